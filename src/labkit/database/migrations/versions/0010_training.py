"""What learners train"""

from alembic import op
import sqlalchemy as sa

revision = '0010_training'
down_revision = '0009_tests'

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table('training_files',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('course', sa.String(length=64), nullable=False),
    sa.Column('lab', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('purpose', sa.String(length=16), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('method', sa.String(length=8), nullable=False),
    sa.Column('sent_at', moment, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_training_files_username', 'training_files', ['username'])
    op.create_table('training_jobs',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('cohort', sa.String(length=64), nullable=False),
    sa.Column('course', sa.String(length=64), nullable=False),
    sa.Column('lab', sa.String(length=64), nullable=False),
    sa.Column('spec', sa.JSON(), nullable=False),
    sa.Column('told', sa.JSON(), nullable=False),
    sa.Column('training_file', sa.String(length=40), nullable=False),
    sa.Column('training_digest', sa.String(length=64), nullable=False),
    sa.Column('validation_file', sa.String(length=40), nullable=True),
    sa.Column('validation_digest', sa.String(length=64), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('error', sa.JSON(), nullable=True),
    sa.Column('created_at', moment, nullable=False),
    sa.Column('started_at', moment, nullable=True),
    sa.Column('finished_at', moment, nullable=True),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('tokens', sa.BigInteger(), nullable=False),
    sa.Column('step_tokens', sa.Float(), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=False),
    sa.Column('adapter', sa.String(length=64), nullable=True),
    sa.Column('cancelling', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('not_before', moment, nullable=True),
    sa.Column('holder', sa.String(length=200), nullable=True),
    sa.Column('held_since', moment, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_training_jobs_username', 'training_jobs', ['username'])
    op.create_index('ix_training_jobs_state', 'training_jobs', ['state'])
    op.create_table('training_events',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('job', sa.String(length=40), nullable=False),
    sa.Column('at', moment, nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('level', sa.String(length=8), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True,
    )
    op.create_index('events_of_a_job', 'training_events', ['job', 'id'])
    op.create_table('training_checkpoints',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('job', sa.String(length=40), nullable=False),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('metrics', sa.JSON(), nullable=False),
    sa.Column('adapter', sa.String(length=64), nullable=False),
    sa.Column('at', moment, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_training_checkpoints_job', 'training_checkpoints', ['job'])
