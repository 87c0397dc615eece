"""Answers to the short test before and after a course"""

from alembic import op
import sqlalchemy as sa

revision = '0009_tests'
down_revision = '0008_workshop'


def upgrade() -> None:
    op.create_table('test_answers',
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('course', sa.String(length=64), nullable=False),
    sa.Column('phase', sa.String(length=8), nullable=False),
    sa.Column('form', sa.String(length=1), nullable=False),
    sa.Column('chosen', sa.JSON(), nullable=False),
    sa.Column('right', sa.Integer(), nullable=False),
    sa.Column('asked', sa.Integer(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('username', 'course', 'phase')
    )
