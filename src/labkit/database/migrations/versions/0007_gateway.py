"""Allowances of people and cohorts beside those of labs; the audit of calls; pauses, exams, reports"""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'

_MOMENT = sa.DateTime(timezone=True)
_KEY = ('username', 'cohort', 'course', 'lab')


def _name(name: str, size: int = 64, **more: object) -> sa.Column:
    return sa.Column(name, sa.String(length=size), nullable=False, **more)


def _keys() -> list[sa.Column]:
    return [_name(name) for name in _KEY]


def upgrade() -> None:
    _allowances()
    for name, size in (('cohort', 64), ('person_window', 32), ('cohort_window', 32), ('kind', 32), ('model', 100), ('digest', 64)):
        op.add_column('reservations', _name(name, size, server_default=''))
    op.create_table('calls',
    _name('id', 32), *_keys(), _name('kind', 32), _name('model', 100), _name('outcome', 16),
    *(sa.Column(name, sa.Integer(), nullable=False) for name in ('prompt_tokens', 'answer_tokens', 'charged')),
    *(sa.Column(name, sa.Float(), nullable=False) for name in ('seconds', 'waited')),
    _name('digest'), *(sa.Column(name, _MOMENT, nullable=False) for name in ('opened_at', 'closed_at')),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_calls_person', 'calls', ['username', 'closed_at'])
    op.create_index('ix_calls_lab', 'calls', ['course', 'lab', 'closed_at'])
    op.create_index('ix_calls_cohort', 'calls', ['cohort', 'closed_at'])
    op.create_table('prompts',
    _name('call', 32), _name('username'), sa.Column('asked', sa.Text(), nullable=False),
    sa.Column('answered', sa.Text(), nullable=False), sa.Column('at', _MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('call')
    )
    op.create_index('ix_prompts_username', 'prompts', ['username'])
    op.create_index('ix_prompts_at', 'prompts', ['at'])
    op.create_table('limits',
    *_keys(), _name('scope', 8), sa.Column('tokens', sa.BigInteger()), sa.Column('requests', sa.Integer()),
    *_setting(), sa.PrimaryKeyConstraint(*_KEY, 'scope')
    )
    op.create_table('pauses',
    _name('course'), _name('cohort'), _name('lab'), _name('model', 100),
    *_setting(), sa.PrimaryKeyConstraint('course', 'cohort', 'lab', 'model')
    )
    op.create_table('exams',
    _name('cohort'), _name('course'), _name('lab'), sa.Column('opens_at', _MOMENT, nullable=False),
    sa.Column('closes_at', _MOMENT, nullable=False), *_setting(), sa.PrimaryKeyConstraint('cohort', 'course', 'lab')
    )
    op.create_table('reports',
    _name('id', 32), *_keys(), sa.Column('call', sa.String(length=32)), _name('model', 100),
    *(sa.Column(name, sa.Text(), nullable=False) for name in ('asked', 'answered', 'reason')),
    sa.Column('at', _MOMENT, nullable=False), sa.Column('seen_by', sa.String(length=64)), sa.Column('seen_at', _MOMENT),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_reports_username', 'reports', ['username'])
    op.create_index('ix_reports_lab', 'reports', ['course', 'lab', 'at'])


def _setting() -> list[sa.Column]:
    return [sa.Column('set_by', sa.String(length=64)), sa.Column('set_at', _MOMENT, nullable=False)]


def _allowances() -> None:
    """A new table: neither kind of database changes a primary key in place."""
    old = ('username', 'course', 'lab', 'unit', 'window', 'used', 'reserved')
    op.rename_table('allowances', 'allowances_before')
    op.create_table('allowances',
    _name('username'), _name('cohort', server_default=''), _name('course'), _name('lab'), _name('unit', 16),
    _name('window', 32),
    *(sa.Column(name, sa.BigInteger(), nullable=False, server_default='0') for name in ('used', 'reserved')),
    *(sa.Column(name, sa.Integer(), nullable=False, server_default='0') for name in ('requests', 'requests_reserved')),
    sa.Column('most', sa.BigInteger()), sa.Column('most_requests', sa.Integer()),
    sa.PrimaryKeyConstraint('username', 'cohort', 'course', 'lab', 'unit', 'window', name='allowances_key')
    )
    before, after = (sa.table(name, *map(sa.column, old)) for name in ('allowances_before', 'allowances'))
    op.execute(sa.insert(after).from_select(old, sa.select(before)))
    op.drop_table('allowances_before')
