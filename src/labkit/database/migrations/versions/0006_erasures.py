"""What an erasure has still to clear, so that a crash in the middle is made up for"""

from alembic import op
import sqlalchemy as sa

revision = '0006'
down_revision = '0005'


def upgrade() -> None:
    op.add_column('erasures', sa.Column('pending', sa.JSON(), nullable=True))
