import IdentityStore

await IdentityStoreService.main()
