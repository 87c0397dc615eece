"""The signature of each receipt is kept, with the key that made it"""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.add_column('submissions', sa.Column('signature', sa.String(length=88), nullable=True))
    op.add_column('submissions', sa.Column('signing_key', sa.String(length=16), nullable=True))
