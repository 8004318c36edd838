import EdgeHTTP
import EdgeReads
import Hummingbird

/// A page of the console, or something that can be done there, for who has a session.
struct ConsoleEndpoint: Sendable {
  /// What is answered.
  enum Answer: Sendable {
    case page(ConsolePage)
    /// The browser is sent to a path of the console, which shows `saying` once: in green, or in red where it is a failure.
    case redirect(to: String, saying: String? = nil, isFailure: Bool = false)
    /// The browser forgets its session, and is sent to a path that needs none.
    case leave(to: String)
  }

  enum Handler: Sendable {
    case page(@Sendable (QueryParameters, ConsoleContext) async throws -> ConsolePage)
    case action(@Sendable (Form, ConsoleContext) async throws -> Answer)
  }

  /// `/console/members/{id}`; a segment in braces stands for any.
  let pattern: String
  let handler: Handler

  var method: HTTPRequest.Method {
    switch handler {
    case .page: .get
    case .action: .post
    }
  }

  /// What is shown at `pattern`.
  static func page(
    _ pattern: String, _ page: @escaping @Sendable (QueryParameters, ConsoleContext) async throws -> ConsolePage
  ) -> ConsoleEndpoint {
    ConsoleEndpoint(pattern: Console.path + pattern, handler: .page(page))
  }

  /// What a form that is sent to `pattern` does. The door has checked that the form came from a page of this session.
  static func action(
    _ pattern: String, _ action: @escaping @Sendable (Form, ConsoleContext) async throws -> Answer
  ) -> ConsoleEndpoint {
    ConsoleEndpoint(pattern: Console.path + pattern, handler: .action(action))
  }
}
