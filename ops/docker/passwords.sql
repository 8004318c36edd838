-- Gives the login roles of database.sql the password from the environment; the image of PostgreSQL runs it after that file.
\getenv password ROLLCALL_DATABASE_PASSWORD
alter role rollcall_owner password :'password';
alter role scim_api password :'password';
alter role identity_store password :'password';
alter role invitation_mailer password :'password';
alter role group_sync password :'password';
alter role scimctl password :'password';
