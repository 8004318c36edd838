import ArgumentParser
import Foundation
import Models
import Postgres

/// `scimctl workspace create SLUG …`
struct CreateWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Make a workspace.",
    discussion: "SCIM can be used with a workspace on the enterprise plan that has SAML SSO and SCIM enabled.")

  @Argument(help: "Short name in URLs and commands: lower-case letters, digits and dashes.")
  var slug: String

  @Option(help: "What people call it; stands in invitations.")
  var name: String

  @Option(name: .customLong("sign-in-url"), help: "Where its people sign in; stands in invitations.")
  var signInURL: String

  @Option(help: "The plan.")
  var plan: WorkspaceSettings.Plan = .free

  @Flag(name: .customLong("saml-sso"), help: "SAML SSO is enabled.")
  var samlSSO = false

  @Flag(help: "SCIM is enabled.")
  var scim = false

  @Option(help: ArgumentHelp("A role beyond admin, editor and viewer. May be repeated.", valueName: "name"))
  var role: [String] = []

  @Option(help: "The role of people for whom the identity provider sends none.")
  var defaultRole = "viewer"

  @Option(help: "The SCIM attribute that carries the role.")
  var roleAttribute = "secodaRole"

  @Option(help: "How the identity provider's dialect is read.")
  var profile: WorkspaceSettings.ConnectionProfile = .auto

  @Option(
    name: .customLong("domain"),
    help: ArgumentHelp("A host name of the workspace's own that SCIM is reached under. May be repeated.", valueName: "host"))
  var domains: [HostName] = []

  @Option(help: WorkspaceSettings.RelinkPolicy.help)
  var relink: WorkspaceSettings.RelinkPolicy = .samePerson

  @Option(help: WorkspaceSettings.DuplicateGroupNames.help)
  var duplicateGroupNames: WorkspaceSettings.DuplicateGroupNames = .reject

  @Option(help: "The language of mails to its administrators, such as de. (default: English)")
  var adminLanguage: String?

  @OptionGroup(title: "Invitations") var invitations: InvitationOptions

  @Flag(help: "Leave a workspace of this slug as it is, rather than fail.")
  var ifMissing = false

  func validate() throws {
    try SignInURL.check(signInURL)
    _ = try settings
  }

  /// What identity-store is asked to store.
  var settings: WorkspaceSettings {
    get throws(ValidationError) {
      WorkspaceSettings(
        slug: slug, name: name, plan: plan, samlSSO: samlSSO, scimEnabled: scim, signInURL: signInURL, customRoles: role,
        defaultRole: defaultRole, roleAttribute: roleAttribute, connectionProfile: profile, customDomains: domains.map(\.text),
        invitations: try invitations.applied(to: InvitationPolicy()), adminLanguage: adminLanguage, relink: relink,
        duplicateGroupNames: duplicateGroupNames)
    }
  }

  func run() async throws {
    let configuration = try await Settings.forWriting()
    let outcome = try await withDatabase(configuration) { pool in
      if let existing = try await KnownWorkspace.find(slug, on: pool) { return try alreadyThere(existing) }
      let id = WorkspaceID.made(at: .now)
      do {
        try await CommandClient(configuration, pool: pool).carryOut(.createWorkspace(settings), in: id)
      } catch let failure as Failure where failure.status == .alreadyThere {
        // Another operator was faster.
        return try alreadyThere(try await KnownWorkspace.named(slug, on: pool))
      }
      return "Workspace \(slug) made, with id \(id)"
    }
    print(outcome)
  }

  private func alreadyThere(_ workspace: KnownWorkspace) throws(Failure) -> String {
    guard ifMissing else {
      throw Failure(
        .alreadyThere,
        "there is a workspace '\(slug)' already, with id \(workspace.id). Choose another slug, or give --if-missing to leave it as it is")
    }
    return "Workspace \(slug) is there already, with id \(workspace.id)"
  }
}

/// Where a workspace's people sign in.
enum SignInURL {
  static func check(_ text: String) throws(ValidationError) {
    guard let url = URL(string: text), ["https", "http"].contains(url.scheme?.lowercased()), url.host?.isEmpty == false else {
      throw ValidationError("--sign-in-url has to be a URL such as https://app.example.com/sign-in, and not '\(text)'.")
    }
  }
}

extension WorkspaceSettings.Plan: ExpressibleByArgument {}
extension WorkspaceSettings.ConnectionProfile: ExpressibleByArgument {}

extension WorkspaceSettings.RelinkPolicy: ExpressibleByArgument {
  static let help = ArgumentHelp(
    """
    What a POST of a user does that matches someone who is disabled: reuse the record for the same person, or never, so that it is refused \
    with 409.
    """)
}

extension WorkspaceSettings.DuplicateGroupNames: ExpressibleByArgument {
  static let help = ArgumentHelp(
    "Whether several groups may have one name. With reject, groups that share a name already keep it.")
}
