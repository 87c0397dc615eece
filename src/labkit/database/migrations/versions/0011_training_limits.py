"""Other steps and minutes of trainings than a lab's"""

from alembic import op
import sqlalchemy as sa

revision = '0011_training_limits'
down_revision = '0010_training'


def upgrade() -> None:
    with op.batch_alter_table('limits', schema=None) as batch_op:
        batch_op.add_column(sa.Column('steps', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('minutes', sa.BigInteger(), nullable=True))
