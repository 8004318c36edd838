import GroupSync

await GroupSyncService.main()
