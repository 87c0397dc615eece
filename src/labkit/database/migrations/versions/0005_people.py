"""People in cohorts with dates; groups, invitations, consent, who looked at whom"""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column('people', sa.Column('observer', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('people', sa.Column('region', sa.String(length=64), nullable=True))
    op.add_column('people', sa.Column('sex', sa.String(length=8), nullable=True))
    op.add_column('people', sa.Column('disability', sa.Boolean(), nullable=True))
    op.add_column('people', sa.Column('employer', sa.String(length=200), nullable=True))
    for name in ('added_at', 'signed_in_at', 'suspended_at'):
        op.add_column('people', sa.Column(name, _MOMENT, nullable=True))
    for name in ('starts_at', 'ends_at'):
        op.add_column('cohorts', sa.Column(name, _MOMENT, nullable=True))
    op.add_column('cohorts', sa.Column('language', sa.String(length=8), nullable=True))
    op.add_column('cohorts', sa.Column('allowance_percent', sa.Integer(), nullable=False, server_default='100'))
    op.add_column('enrolments', sa.Column('source', sa.String(length=16), nullable=False, server_default='roster'))
    op.add_column('enrolments', sa.Column('added_at', _MOMENT, nullable=True))
    op.add_column('enrolments', sa.Column('suspended_at', _MOMENT, nullable=True))
    op.create_index('ix_enrolments_cohort', 'enrolments', ['cohort'], unique=False)
    op.create_table('cohort_groups',
    sa.Column('group', sa.String(length=200), nullable=False),
    sa.Column('cohort', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.ForeignKeyConstraint(['cohort'], ['cohorts.name'], ),
    sa.PrimaryKeyConstraint('group', 'cohort')
    )
    op.create_table('identities',
    sa.Column('issuer', sa.String(length=200), nullable=False),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('bound_at', _MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['username'], ['people.username'], ),
    sa.PrimaryKeyConstraint('issuer', 'subject'),
    sa.UniqueConstraint('issuer', 'username', name='one_account_each')
    )
    op.create_table('invitations',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('cohort', sa.String(length=64), nullable=False),
    sa.Column('places', sa.Integer(), nullable=False),
    sa.Column('expires_at', _MOMENT, nullable=False),
    sa.Column('made_by', sa.String(length=64), nullable=True),
    sa.Column('made_at', _MOMENT, nullable=False),
    sa.Column('closed_at', _MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['cohort'], ['cohorts.name'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('digest')
    )
    op.create_index('ix_invitations_cohort', 'invitations', ['cohort'], unique=False)
    op.create_table('applicants',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('invitation', sa.String(length=32), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('given_name', sa.String(length=100), nullable=False),
    sa.Column('family_name', sa.String(length=100), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('region', sa.String(length=64), nullable=True),
    sa.Column('asked_at', _MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['invitation'], ['invitations.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('invitation', 'email', name='asked_once')
    )
    op.create_table('consents',
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('notice', sa.String(length=16), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('given_at', _MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['username'], ['people.username'], ),
    sa.PrimaryKeyConstraint('username', 'notice')
    )
    op.create_table('looks',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('viewer', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=64), nullable=False),
    sa.Column('what', sa.String(length=64), nullable=False),
    sa.Column('at', _MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    for name in ('at', 'subject', 'viewer'):
        op.create_index(f'ix_looks_{name}', 'looks', [name], unique=False)
    op.create_table('erasures',
    sa.Column('pseudonym', sa.String(length=64), nullable=False),
    sa.Column('at', _MOMENT, nullable=False),
    sa.Column('by', sa.String(length=64), nullable=True),
    sa.Column('finished_at', _MOMENT, nullable=True),
    sa.PrimaryKeyConstraint('pseudonym')
    )
