"""Ledger lines: one for each settled call that cost something"""

import uuid
from datetime import UTC, datetime

from alembic import op
import sqlalchemy as sa

revision = '0001_charges'
down_revision = '0001'


def upgrade() -> None:
    op.create_table('charges',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('course', sa.String(length=64), nullable=False),
    sa.Column('lab', sa.String(length=64), nullable=False),
    sa.Column('unit', sa.String(length=16), nullable=False),
    sa.Column('window', sa.String(length=32), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('charges', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_charges_username'), ['username'], unique=False)
    _open_books()


def _open_books() -> None:
    """One line for what each counter held before there were lines, so that the lines add up from the first day."""
    connection = op.get_bind()
    names = ('username', 'course', 'lab', 'unit', 'window')
    counters = sa.table('allowances', *map(sa.column, names), sa.column('used'))
    lines = sa.table(
        'charges', sa.column('id'), *map(sa.column, names), sa.column('amount'), sa.column('at', sa.DateTime(timezone=True))
    )
    for row in connection.execute(sa.select(counters).where(counters.c.used > 0)).mappings().all():
        key = {name: row[name] for name in names}
        line = {'id': uuid.uuid4().hex, **key, 'amount': row['used'], 'at': datetime.now(UTC)}
        connection.execute(sa.insert(lines).values(line))
