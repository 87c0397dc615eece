"""Passwords, attempts, ended sessions, and who issued a link"""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001_charges'


def upgrade() -> None:
    op.create_table('passwords',
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=255), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['username'], ['people.username'], ),
    sa.PrimaryKeyConstraint('username')
    )
    op.create_table('attempts',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('empty_at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('key')
    )
    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attempts_empty_at'), ['empty_at'], unique=False)
    # Plain ALTERs: rebuilding `people` on SQLite would trip over the tables that refer to it.
    op.add_column('people', sa.Column('sessions_from', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sign_in_links', sa.Column('issued_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sign_in_links', sa.Column('issued_by', sa.String(length=64), nullable=True))
