import ArgumentParser
import Foundation
import Models

/// `scimctl workspace create SLUG`, which creates a workspace.
struct CreateWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Create a workspace.",
    discussion: "A workspace can use SCIM if it is on the enterprise plan and has SAML SSO and SCIM enabled.")

  @Argument(help: "The short name in URLs and commands: lower-case letters, digits and hyphens.")
  var slug: String

  @Option(help: "The name, which invitations contain.")
  var name: String

  @Option(name: .customLong("sign-in-url"), help: "The URL where its users sign in, which invitations contain.")
  var signInURL: String

  @Option(help: "The plan.")
  var plan: WorkspaceSettings.Plan = .free

  @Flag(name: .customLong("saml-sso"), help: "Enable SAML SSO.")
  var samlSSO = false

  @Flag(help: "Enable SCIM.")
  var scim = false

  @Option(help: ArgumentHelp("A custom role, in addition to admin, editor and viewer. May be repeated.", valueName: "name"))
  var role: [String] = []

  @Option(help: "The role of users for whom the identity provider sends no role.")
  var defaultRole = "viewer"

  @Option(help: "The SCIM attribute that carries the role.")
  var roleAttribute = "secodaRole"

  @Option(help: "The connection profile, which selects the identity provider's dialect.")
  var profile: WorkspaceSettings.ConnectionProfile = .auto

  @Option(
    name: .customLong("domain"),
    help: ArgumentHelp("A custom domain for SCIM. May be repeated.", valueName: "host"))
  var domains: [HostName] = []

  @Option(help: WorkspaceSettings.RelinkPolicy.help)
  var relink: WorkspaceSettings.RelinkPolicy = .samePerson

  @Option(help: WorkspaceSettings.DuplicateGroupNames.help)
  var duplicateGroupNames: WorkspaceSettings.DuplicateGroupNames = .reject

  @Option(help: "The language of mails to administrators, such as de. (default: English)")
  var adminLanguage: String?

  @OptionGroup(title: "Invitations") var invitations: InvitationOptions

  @Flag(help: "Succeed without a change if a workspace with this slug exists.")
  var ifMissing = false

  func validate() throws {
    try SignInURL.check(signInURL)
    _ = try settings
  }

  /// The settings of the new workspace.
  ///
  /// - Throws: `ValidationError` if the invitation options contradict each other.
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
    let settings = try settings
    try await withAdministration { administration in
      if let existing = try await administration.findWorkspace(slug) { return print(try messageForExisting(existing)) }
      do {
        let id = try await administration.createWorkspace(settings)
        print("Workspace \(slug) created with id \(id)")
      } catch let failure as ScimctlError where failure.status == .alreadyExists {
        // Another operator created it at the same time, or something else is taken, such as a domain.
        guard let existing = try await administration.findWorkspace(slug) else { throw failure }
        print(try messageForExisting(existing))
      }
    }
  }

  /// The message about an existing workspace, if `--if-missing` is given.
  ///
  /// - Throws: ``ScimctlError`` otherwise.
  private func messageForExisting(_ workspace: StoredWorkspace) throws(ScimctlError) -> String {
    guard ifMissing else {
      throw ScimctlError(
        .alreadyExists,
        "workspace '\(slug)' exists already, with id \(workspace.id). Choose another slug, or use --if-missing to leave it unchanged")
    }
    return "Workspace \(slug) exists already, with id \(workspace.id)"
  }
}

/// Checks the argument of `--sign-in-url`.
enum SignInURL {
  /// - Throws: `ValidationError` if `text` is not an HTTP URL.
  static func check(_ text: String) throws(ValidationError) {
    guard let url = URL(string: text), ["https", "http"].contains(url.scheme?.lowercased()), url.host?.isEmpty == false else {
      throw ValidationError("--sign-in-url must be a URL such as https://app.example.com/sign-in, not '\(text)'.")
    }
  }
}

extension WorkspaceSettings.Plan: ExpressibleByArgument {}
extension WorkspaceSettings.ConnectionProfile: ExpressibleByArgument {}

extension WorkspaceSettings.RelinkPolicy: ExpressibleByArgument {
  /// The help of `--relink`.
  static let help = ArgumentHelp(
    """
    What a POST of a user that matches a disabled user does: reuse the record for the same person, or never reuse it and return 409.
    """)
}

extension WorkspaceSettings.DuplicateGroupNames: ExpressibleByArgument {
  /// The help of `--duplicate-group-names`.
  static let help = ArgumentHelp(
    "Whether groups may share a name. With reject, groups that already share a name keep it.")
}
