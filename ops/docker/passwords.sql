-- Sets the passwords of the login roles from the environment. The PostgreSQL image runs this after database.sql.
\getenv rollcall_owner ROLLCALL_PASSWORD_OWNER
alter role rollcall_owner password :'rollcall_owner';
\getenv scim_api ROLLCALL_PASSWORD_SCIM_API
alter role scim_api password :'scim_api';
\getenv scim_api_feed ROLLCALL_PASSWORD_SCIM_API_FEED
alter role scim_api_feed password :'scim_api_feed';
\getenv identity_store ROLLCALL_PASSWORD_IDENTITY_STORE
alter role identity_store password :'identity_store';
\getenv invitation_mailer ROLLCALL_PASSWORD_INVITATION_MAILER
alter role invitation_mailer password :'invitation_mailer';
\getenv group_sync ROLLCALL_PASSWORD_GROUP_SYNC
alter role group_sync password :'group_sync';
\getenv scimctl ROLLCALL_PASSWORD_SCIMCTL
alter role scimctl password :'scimctl';
