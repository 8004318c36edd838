/// An identity provider, with instructions in the terms of its admin console.
enum IdentityProvider: String {
  case okta, entra, onelogin, other

  init(_ entry: LogEntry, _ context: DiagnosisContext) {
    self = entry.identityProvider.flatMap(Self.init) ?? context.settings.flatMap { Self(rawValue: $0.connectionProfile.rawValue) } ?? .other
  }

  /// How to make it look up a user again.
  func reassign(_ person: String) -> String {
    switch self {
    case .okta:
      """
      In Okta: Applications > Applications > this app > Assignments. Click the X beside \(person), confirm, then Assign > Assign to People \
      and assign \(person) again. Where a group assigns the app, first change that assignment to an individual one (pencil, \
      Administrator), or take the person out of the group and put them back.
      """
    case .entra:
      """
      In Entra: Enterprise applications > this app > Provisioning > Provision on demand, choose \(person) and click Provision. Where that \
      still sends the old id: Users and groups, remove \(person), let one cycle pass and add them again; for many people at once, \
      Provisioning > Restart provisioning, which makes Entra match everybody anew.
      """
    case .onelogin:
      """
      In OneLogin: Users > Users > \(person) > Applications, delete this app there, save, then add it again with the plus sign and approve \
      the pending provisioning under the app's Users tab.
      """
    case .other:
      "In the identity provider: unassign \(person) from the application and assign them again, so that it looks them up by name."
    }
  }

  /// How to make it look up a group again.
  func repush(_ group: String) -> String {
    switch self {
    case .okta: "In Okta: this app > Push Groups > \(group) > Unlink pushed group (leave the group in the app), then push it again by name."
    case .entra:
      """
      In Entra: this app > Provisioning > Provision on demand, choose the group \(group) and click Provision; where that still sends the \
      old id, Provisioning > Restart provisioning.
      """
    case .onelogin:
      """
      In OneLogin: this app > Provisioning > Entitlements > Refresh, check the rule that sets \(group) under Rules, then save the app, so that \
      it sends the group anew.
      """
    case .other: "In the identity provider: unlink the group \(group) from the application and push it again."
    }
  }

  /// Where to enter the token.
  var enterToken: String {
    switch self {
    case .okta: "In Okta: this app > Provisioning > Integration > Edit, paste it into Authorization, Test Connector Configuration, Save."
    case .entra: "In Entra: this app > Provisioning > Admin Authenticator, paste it into Secret Token, Test Connection, Save."
    case .onelogin: "In OneLogin: this app > Configuration, paste it into SCIM Bearer Token, Save, then Enable the API connection."
    case .other: "Enter it in the identity provider as the bearer token."
    }
  }

  /// Where to enter the URL.
  var enterURL: String {
    switch self {
    case .okta: "In Okta: this app > Provisioning > Integration > Edit, SCIM connector base URL."
    case .entra: "In Entra: this app > Provisioning > Admin Authenticator, Tenant URL."
    case .onelogin: "In OneLogin: this app > Configuration, SCIM Base URL."
    case .other: "It is set where the identity provider has the SCIM base URL."
    }
  }

  /// Where the attribute mappings are.
  var mappings: String {
    switch self {
    case .okta: "In Okta: this app > Provisioning > To App, or the person's assignment under Assignments"
    case .entra: "In Entra: this app > Provisioning > Mappings"
    case .onelogin: "In OneLogin: this app > Parameters, and the SCIM JSON Template under Configuration"
    case .other: "In the identity provider's attribute mappings"
    }
  }

  /// How to send the failed request again.
  var again: String {
    switch self {
    case .okta: "Then in Okta: Dashboard > Tasks, choose the failed task and click Retry Selected"
    case .entra: "Entra tries again in its next cycle of about 40 minutes; Provision on demand does it at once"
    case .onelogin: "Then in OneLogin: Users > Provisioning, choose the failed row and click Retry"
    case .other: "Then have the identity provider send it again"
    }
  }
}
