# The first tables of this room.

import config.shared.crypto
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('staff', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('event_seq', models.PositiveIntegerField(default=0, editable=False)),
                ('head_hash', models.CharField(blank=True, default='', editable=False, max_length=64)),
                ('number', models.CharField(max_length=12, unique=True, verbose_name='customer number')),
                ('kind', models.CharField(choices=[('person', 'Person'), ('organisation', 'Organisation')], default='person', max_length=12)),
                ('name', config.shared.crypto.EncryptedField(blank=True, default='', verbose_name='name')),
                ('name_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('id_kind', models.CharField(blank=True, max_length=20)),
                ('id_number', config.shared.crypto.EncryptedField(blank=True, default='', verbose_name='identity number')),
                ('id_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('tier', models.CharField(choices=[('core', 'Core'), ('key', 'Key'), ('ordinary', 'Ordinary')], default='ordinary', max_length=8, verbose_name='tier')),
                ('tier_since', models.DateField(blank=True, null=True)),
                ('language', models.CharField(default='zh-hans', max_length=10)),
                ('preferred_channel', models.CharField(blank=True, max_length=10)),
                ('no_contact', models.BooleanField(default=False, verbose_name='wants no contact')),
                ('vulnerable', models.JSONField(blank=True, default=list, help_text='Codes; restricted view.')),
                ('status', models.CharField(choices=[('active', 'Active'), ('lost', 'Lost'), ('deceased', 'Deceased'), ('merged', 'Merged'), ('erased', 'Erased')], default='active', max_length=10)),
                ('joined_on', models.DateField(blank=True, null=True)),
                ('external_ref', models.CharField(blank=True, max_length=60, null=True, unique=True)),
                ('legal_hold', models.BooleanField(default=False)),
                ('retain_until', models.DateField(blank=True, null=True)),
                ('branch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='customers', to='staff.department')),
                ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='customers.customer')),
                ('rm', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='customers', to='staff.person', verbose_name='relationship manager')),
            ],
            options={
                'verbose_name': 'customer',
                'verbose_name_plural': 'customers',
            },
        ),
        migrations.CreateModel(
            name='ContactPoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('mobile', 'Mobile'), ('phone', 'Phone'), ('email', 'E-mail'), ('wechat', 'WeChat'), ('address', 'Postal address')], max_length=8)),
                ('value', config.shared.crypto.EncryptedField(blank=True, default='')),
                ('value_hash', models.CharField(editable=False, max_length=64)),
                ('tail_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('preferred', models.BooleanField(default=False)),
                ('consent', models.BooleanField(default=True)),
                ('verified_at', models.DateTimeField(blank=True, null=True)),
                ('changed_at', models.DateTimeField(blank=True, null=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contacts', to='customers.customer')),
            ],
            options={
                'verbose_name': 'contact point',
                'verbose_name_plural': 'contact points',
            },
        ),
        migrations.CreateModel(
            name='TierChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('before', models.CharField(blank=True, max_length=8)),
                ('after', models.CharField(choices=[('core', 'Core'), ('key', 'Key'), ('ordinary', 'Ordinary')], max_length=8)),
                ('on', models.DateField()),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('by_id', models.BigIntegerField(null=True)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tier_changes', to='customers.customer')),
            ],
            options={
                'verbose_name': 'tier change',
                'verbose_name_plural': 'tier changes',
            },
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['name_hash'], name='customer_by_name'),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['rm', 'id'], name='customer_by_rm'),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['branch', 'id'], name='customer_by_branch'),
        ),
        migrations.AddIndex(
            model_name='customer',
            index=models.Index(fields=['tier', 'id'], name='customer_by_tier'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('tier__in', ['core', 'key', 'ordinary'])), name='customer_tier_known'),
        ),
        migrations.AddConstraint(
            model_name='customer',
            constraint=models.UniqueConstraint(condition=models.Q(('id_hash', ''), _negated=True), fields=('id_hash',), name='customer_id_once', violation_error_message='A customer with this identity number exists.'),
        ),
        migrations.AddIndex(
            model_name='contactpoint',
            index=models.Index(fields=['value_hash'], name='contact_by_value'),
        ),
        migrations.AddIndex(
            model_name='contactpoint',
            index=models.Index(fields=['tail_hash', 'customer'], name='contact_by_tail'),
        ),
        migrations.AddConstraint(
            model_name='contactpoint',
            constraint=models.UniqueConstraint(fields=('customer', 'kind', 'value_hash'), name='contact_point_once'),
        ),
        migrations.AddIndex(
            model_name='tierchange',
            index=models.Index(fields=['customer', '-on', '-id'], name='tier_history'),
        ),
    ]
