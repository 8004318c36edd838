import ScimctlCommands

await Scimctl.execute()
