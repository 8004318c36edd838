import EdgeHTTP
import Foundation
import Hummingbird
import Models
import SCIM

/// A request that changes something: its body, and the key that makes a repetition harmless.
struct ManagementAction: Sendable {
  /// The body; an empty object if the request has none.
  let body: JSONBody
  /// The idempotency key; nil if the request has none.
  private(set) var key: IdempotencyKey?
  private let caller: Caller
  private let info: RequestInfo

  /// Reads the body of a request.
  ///
  /// - Parameter members: the members that the body may have.
  /// - Throws: 400, 413, 415, 429 or 503.
  init(_ request: Request, _ context: CallerContext, with bodies: BodyReader, members: Set<String> = []) async throws {
    body = try await JSONBody(of: request, context, with: bodies, members: members, isOptional: true)
    key = try IdempotencyKey(request, body: body.bytes, of: context.caller)
    caller = context.caller
    info = context.info
  }

  /// Executes `operation` on `resource`, once for each idempotency key.
  ///
  /// - Parameter expected: the versions of the resource for which the operation may be executed; nil for any.
  /// - Throws: the error with which identity-store refused the command; 422 if the key was used for another request; 503 if the operation
  ///   was not executed and will not be.
  mutating func execute(
    _ operation: Command.Operation, on resource: ResourceID, expecting expected: [Int64]? = nil, through commands: CommandClient
  ) async throws {
    try await commands.execute(operation, on: resource, expecting: expected, for: caller, once: &key, info: info).checkDone()
  }

  /// The id of what the request creates: the same for every repetition with the same key.
  func id<Subject>(of purpose: String, at now: Date) -> Identifier<Subject> { key?.id(purpose) ?? .made(at: now) }

  /// Bytes from which a secret is derived that the request creates: the same for every repetition. nil without a key.
  func seed(for purpose: String) -> [UInt8]? {
    let id: CommandID? = key?.id(purpose)
    return id?.bytes
  }
}
