# The first tables of this room.

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('kernel', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountSession',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('account_id', models.BigIntegerField(db_index=True, null=True)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('browser', models.CharField(blank=True, max_length=200)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('seen_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CalendarSpan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order', models.PositiveIntegerField(default=0)),
                ('weekday', models.PositiveSmallIntegerField()),
                ('start_minute', models.PositiveSmallIntegerField()),
                ('end_minute', models.PositiveSmallIntegerField()),
                ('rule_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)ss', to='kernel.ruleset')),
            ],
            options={
                'verbose_name': 'opening hours',
                'verbose_name_plural': 'opening hours',
                'ordering': ['rule_set', 'weekday', 'start_minute'],
            },
        ),
        migrations.CreateModel(
            name='Department',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('event_seq', models.PositiveIntegerField(default=0, editable=False)),
                ('head_hash', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('code', models.CharField(max_length=20, unique=True, verbose_name='code')),
                ('name_en', models.CharField(max_length=120, verbose_name='English name')),
                ('name_zh', models.CharField(max_length=120, verbose_name='Chinese name')),
                ('kind', models.CharField(choices=[('department', 'Department'), ('branch', 'Branch')], default='department', max_length=12, verbose_name='kind')),
                ('city_en', models.CharField(blank=True, max_length=60, verbose_name='city in English')),
                ('city_zh', models.CharField(blank=True, max_length=60, verbose_name='city in Chinese')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('path', models.CharField(blank=True, editable=False, max_length=200)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='staff.department', verbose_name='part of')),
                ('superior', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='subordinates', to='staff.department', verbose_name='superior unit')),
            ],
            options={
                'verbose_name': 'department',
                'verbose_name_plural': 'departments',
                'ordering': ['path', 'code'],
            },
        ),
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('event_seq', models.PositiveIntegerField(default=0, editable=False)),
                ('head_hash', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('staff_no', models.CharField(max_length=20, unique=True, verbose_name='staff number')),
                ('name_en', models.CharField(max_length=80, verbose_name='English name')),
                ('name_zh', models.CharField(max_length=40, verbose_name='Chinese name')),
                ('post_en', models.CharField(blank=True, max_length=80, verbose_name='post in English')),
                ('post_zh', models.CharField(blank=True, max_length=40, verbose_name='post in Chinese')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='e-mail')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('joined_on', models.DateField(blank=True, null=True, verbose_name='joined on')),
                ('left_on', models.DateField(blank=True, null=True, verbose_name='left on')),
                ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='people', to='staff.department', verbose_name='department')),
                ('reports_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='staff.person', verbose_name='reports to')),
            ],
            options={
                'verbose_name': 'person',
                'verbose_name_plural': 'people',
                'ordering': ['staff_no'],
            },
        ),
        migrations.AddField(
            model_name='department',
            name='head',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='heads', to='staff.person', verbose_name='head'),
        ),
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start_at', models.DateTimeField()),
                ('end_at', models.DateTimeField()),
                ('reason', models.CharField(blank=True, max_length=120)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='absences', to='staff.person')),
                ('substitute', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='substitutes_for', to='staff.person')),
            ],
            options={
                'verbose_name': 'absence',
                'verbose_name_plural': 'absences',
            },
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('username', models.CharField(max_length=60, unique=True, verbose_name='user name')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('is_demo', models.BooleanField(default=False, editable=False)),
                ('must_change_password', models.BooleanField(default=False, verbose_name='must change password')),
                ('password_changed_at', models.DateTimeField(blank=True, null=True)),
                ('language', models.CharField(blank=True, max_length=10, verbose_name='language')),
                ('theme', models.CharField(blank=True, max_length=5)),
                ('single_keys', models.BooleanField(default=True, verbose_name='single-key shortcuts')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='account', to='staff.person', verbose_name='person')),
            ],
            options={
                'verbose_name': 'account',
                'verbose_name_plural': 'accounts',
            },
        ),
        migrations.CreateModel(
            name='RoleGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('HA', 'Hotline agent'), ('CO', 'Complaint officer'), ('CS', 'Complaint supervisor'), ('DH', 'Department handler'), ('HD', 'Department head'), ('BH', 'Branch head'), ('RM', 'Relationship manager'), ('RMM', 'Relationship manager lead'), ('DL', 'Duty leader'), ('HR', 'Human resources'), ('QA', 'Quality analyst'), ('ER', 'Executive reader'), ('AU', 'Auditor'), ('AD', 'Administrator'), ('SA', 'Senior approver'), ('CD', 'Compliance and discipline')], max_length=4, verbose_name='role')),
                ('granted_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to=settings.AUTH_USER_MODEL)),
                ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='staff.department', verbose_name='counts for unit')),
            ],
            options={
                'verbose_name': 'role',
                'verbose_name_plural': 'roles',
            },
        ),
        migrations.CreateModel(
            name='CalendarDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order', models.PositiveIntegerField(default=0)),
                ('date', models.DateField()),
                ('working', models.BooleanField()),
                ('spans', models.JSONField(blank=True, null=True)),
                ('name_en', models.CharField(max_length=60)),
                ('name_zh', models.CharField(max_length=60)),
                ('source', models.CharField(blank=True, max_length=120)),
                ('confirmed', models.BooleanField(default=True)),
                ('rule_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='%(class)ss', to='kernel.ruleset')),
            ],
            options={
                'verbose_name': 'calendar day',
                'verbose_name_plural': 'calendar days',
                'ordering': ['rule_set', 'date'],
                'constraints': [models.UniqueConstraint(fields=('rule_set', 'date'), name='calendar_day_once')],
            },
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(fields=['department', 'active'], name='person_by_department'),
        ),
        migrations.AddIndex(
            model_name='department',
            index=models.Index(fields=['path'], name='department_by_path'),
        ),
        migrations.AddConstraint(
            model_name='department',
            constraint=models.CheckConstraint(condition=models.Q(('parent__isnull', True), models.Q(('parent', models.F('id')), _negated=True), _connector='OR'), name='department_not_own_parent'),
        ),
        migrations.AddIndex(
            model_name='absence',
            index=models.Index(fields=['person', 'end_at'], name='absence_of_person'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('end_at__gt', models.F('start_at'))), name='absence_ends_after'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.UniqueConstraint(fields=('account', 'role', 'department'), name='role_granted_once_per_unit'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.UniqueConstraint(condition=models.Q(('department__isnull', True)), fields=('account', 'role'), name='role_granted_once'),
        ),
    ]
