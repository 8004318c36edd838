-- expand
-- Sign-ins of people who were not provisioned within 30 days are deleted: finds those that are old (RowTrimming).
create index early_sign_ins_by_age on identity.early_sign_ins (signed_in_at);
