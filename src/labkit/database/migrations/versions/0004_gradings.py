"""History of gradings, who holds what is being graded, what the model answered"""

import uuid

from alembic import op
import sqlalchemy as sa

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    op.create_table('gradings',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('submission', sa.String(length=32), nullable=False),
    sa.Column('score', sa.Float(), nullable=False),
    sa.Column('max', sa.Float(), nullable=False),
    sa.Column('manual_max', sa.Float(), nullable=False),
    sa.Column('report', sa.JSON(), nullable=False),
    sa.Column('release', sa.String(length=64), nullable=False),
    sa.Column('why', sa.String(length=16), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=True),
    sa.Column('graded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['submission'], ['submissions.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_gradings_submission', 'gradings', ['submission'], unique=False)
    op.create_index('ix_gradings_graded_at', 'gradings', ['graded_at'], unique=False)
    op.create_table('recordings',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('course', sa.String(length=64), nullable=False),
    sa.Column('lab', sa.String(length=64), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key')
    )
    op.create_table('engines',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('identity', sa.JSON(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.add_column('submissions', sa.Column('holder', sa.String(length=200), nullable=True))
    op.add_column('submissions', sa.Column('held_since', sa.DateTime(timezone=True), nullable=True))
    op.add_column('submissions', sa.Column('written', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column('submissions', sa.Column('asks_model', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('submissions', sa.Column('why', sa.String(length=16), nullable=False, server_default='submitted'))
    op.add_column('submissions', sa.Column('batch', sa.String(length=32), nullable=True))
    op.create_index('ix_submissions_batch', 'submissions', ['batch'], unique=False)
    op.create_table('batches',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('course', sa.String(length=64), nullable=False),
    sa.Column('lab', sa.String(length=64), nullable=False),
    sa.Column('release', sa.String(length=64), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.add_column('scores', sa.Column('release', sa.String(length=64), nullable=False, server_default=''))
    _begin_history()


def _begin_history() -> None:
    """What was graded before has one line too: of an unknown release, because it was submitted."""
    connection = op.get_bind()
    names = ('submission', 'score', 'max', 'manual_max', 'report', 'graded_at')
    types = {'report': sa.JSON(), 'graded_at': sa.DateTime(timezone=True)}
    columns = [sa.column(name, types.get(name)) for name in names]
    scores, gradings = (
        sa.table(name, *(sa.column(c.name, c.type) for c in columns), sa.column('id'), sa.column('release'), sa.column('why'))
        for name in ('scores', 'gradings')
    )
    for row in connection.execute(sa.select(*(scores.c[name] for name in names))).mappings().all():
        line = {'id': uuid.uuid4().hex, **row, 'release': '', 'why': 'submitted'}
        connection.execute(sa.insert(gradings).values(line))
