import InvitationMailer

await InvitationMailerService.main()
