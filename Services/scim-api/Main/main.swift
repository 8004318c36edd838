import ScimAPI

await ScimAPIService.main()
