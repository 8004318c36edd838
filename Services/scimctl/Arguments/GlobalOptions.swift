import ArgumentParser
import Foundation
import Synchronization

/// The options that every command accepts, at any position.
struct GlobalOptions: ParsableArguments {
  @Option(name: .customLong("as"), help: "Your name in the audit trail. (default: ROLLCALL_OPERATOR, else your login name)")
  var operatorName: String?

  @Option(
    help: ArgumentHelp(
      "Use the management API of this server, such as https://app.example.com. (default: ROLLCALL_SERVER)", valueName: "url"))
  var server: String?

  @Option(help: "The token for the server. Other users of this machine can see it; prefer ROLLCALL_TOKEN or 'scimctl login'.")
  var token: String?

  @Option(
    help: ArgumentHelp(
      "The profile with server and token; see 'scimctl profile list'. (default: ROLLCALL_SERVER_PROFILE)", valueName: "name"))
  var serverProfile: String?

  @Flag(help: "Use the database and Kafka, even if a server is set.")
  var direct = false

  func validate() throws {
    if let fault = operatorName.flatMap(Operator.fault) { throw ValidationError("--as \(fault).") }
    try values.check()
  }

  /// The values of the options.
  var values: Values {
    Values(operatorName: operatorName, server: server, token: token, serverProfile: serverProfile, direct: direct)
  }

  /// The values of the options of this process, which no command has as properties.
  struct Values: Sendable, Equatable {
    var operatorName: String?
    var server: String?
    var token: String?
    var serverProfile: String?
    var direct = false

    /// Creates values, none by default.
    init(operatorName: String? = nil, server: String? = nil, token: String? = nil, serverProfile: String? = nil, direct: Bool = false) {
      self.operatorName = operatorName
      self.server = server
      self.token = token
      self.serverProfile = serverProfile
      self.direct = direct
    }

    /// Finds the options in the arguments of a process, which are valid. If one occurs more than once, the last one counts.
    init(in arguments: [String]) {
      self.init(
        operatorName: Self.value(of: "as", in: arguments), server: Self.value(of: "server", in: arguments),
        token: Self.value(of: "token", in: arguments), serverProfile: Self.value(of: "server-profile", in: arguments),
        direct: arguments.prefix { $0 != "--" }.contains("--direct"))
    }

    private static func value(of name: String, in arguments: [String]) -> String? {
      let arguments = arguments.prefix { $0 != "--" }
      for (index, argument) in arguments.enumerated().reversed() {
        if argument.hasPrefix("--\(name)=") { return String(argument.dropFirst("--\(name)=".count)) }
        if argument == "--\(name)", index + 1 < arguments.count { return arguments[arguments.startIndex + index + 1] }
      }
      return nil
    }

    /// - Throws: `ValidationError` if the options contradict each other.
    func check() throws(ValidationError) {
      if direct, server != nil || token != nil || serverProfile != nil {
        throw ValidationError("--direct excludes --server, --token and --server-profile.")
      }
      if server != nil, serverProfile != nil { throw ValidationError("--server and --server-profile exclude each other.") }
      if let server {
        do throws(ScimctlError) {
          _ = try ManagementServer.site(of: server)
        } catch {
          throw ValidationError("--server: \(error.message).")
        }
      }
    }
  }

  private static let selected = Mutex(Values())

  /// The values of the options of this process.
  static var current: Values { selected.withLock { $0 } }

  /// Stores the options in the arguments of this process, which are valid.
  static func select(from arguments: [String]) {
    let values = Values(in: arguments)
    selected.withLock { $0 = values }
  }
}
