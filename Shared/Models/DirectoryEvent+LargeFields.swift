extension DirectoryEvent {
  /// Omits the large fields of the member, of the group and of the changes, whose names are those of the JSON: `member.title`.
  mutating func omitLargeFields() throws -> [String] {
    var fields = LargeFields()
    if var member {
      fields.omit(&member.externalID, "member.externalId")
      fields.omit(&member.accountID, "member.accountId")
      fields.omit(&member.userName, "member.userName")
      fields.omit(&member.email, "member.email")
      fields.omit(&member.displayName, "member.displayName")
      fields.omit(&member.givenName, "member.givenName")
      fields.omit(&member.familyName, "member.familyName")
      fields.omit(&member.role, "member.role")
      fields.omit(&member.title, "member.title")
      fields.omit(&member.department, "member.department")
      try fields.omit(&member.manager, "member.manager")
      try fields.omit(&member.attributes, "member.attributes")
      self.member = member
    }
    if var group {
      fields.omit(&group.displayName, "group.displayName")
      self.group = group
    }
    if var changes {
      for name in changes.keys.sorted() { try fields.omit(&changes[name], "changes.\(name)") }
      self.changes = changes
    }
    try fields.omit(&changes, "changes", longerThan: LargeFields.listLimit)
    return fields.omitted
  }
}
