"""Versions of courses' texts that instructors sent"""

from alembic import op
import sqlalchemy as sa

revision = '0008_workshop'
down_revision = '0007'

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table('versions',
    sa.Column('course', sa.String(length=64), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('commit', sa.String(length=40), nullable=False),
    sa.Column('made_by', sa.String(length=64), nullable=True),
    sa.Column('made_at', _MOMENT, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('found', sa.JSON(), nullable=False),
    *(sa.Column(name, _MOMENT, nullable=True) for name in ('checked_at', 'asked_at', 'released_at')),
    sa.Column('released_by', sa.String(length=64), nullable=True),
    sa.Column('release_fault', sa.String(length=1000), nullable=False),
    sa.PrimaryKeyConstraint('course', 'number')
    )
    op.create_index('ix_versions_state', 'versions', ['state'])
