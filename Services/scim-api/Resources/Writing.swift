import Foundation
import Hummingbird
import Models
import NIOCore
import Postgres
import SCIM
import SCIMStorage

/// POST, PUT, PATCH and DELETE of a kind of resource (RFC 7644 §3.3, §3.5, §3.6).
struct Writing: Sendable {
  let kind: ResourceKind
  let bodies: BodyReader
  let inFlight: ConcurrencyLimit
  let turns: WorkspaceConcurrencyLimiter
  let commands: CommandPath
  let reads: any ResourceReads

  func create(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await write(.create, to: .made(at: Date()), request, context)
  }

  func replace(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await write(.replace, to: try kind.id(in: context), request, context)
  }

  func patch(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await write(.patch, to: try kind.id(in: context), request, context)
  }

  func delete(_ request: Request, _ context: CallerContext) async throws -> Response {
    let id = try kind.id(in: context)
    let expected = try EntityTagCondition(.ifMatch, of: request.head)
    let outcome = try await inTurn(of: context.caller) {
      try await commands.carryOut(
        kind == .user ? .deleteUser : .deleteGroup, on: id, expecting: expected?.expectedVersions, for: context.caller,
        facts: context.facts)
    }
    if case .refused(let status, let error) = outcome { return refusal(status, error, request, context) }
    return Response(status: .noContent)
  }

  private func write(
    _ verb: RequestedWrite.Verb, to id: ResourceID, _ request: Request, _ context: CallerContext
  ) async throws -> Response {
    // Whatever may be wrong with the request is found before anything is written.
    let form = try ResponseFormat(kind, of: request, in: context)
    let outcome = try await inTurn(of: context.caller) {
      try await carryOut(verb, on: id, request, context)
    }
    switch outcome {
    case .refused(let status, let error): return refusal(status, error, request, context)
    case .done, .signIn, .bulk: return Response(status: .noContent)
    case .resource(let stored, let isCreated):
      context.facts.note(resource: stored.id)
      context.facts.note(relink: stored.relink)
      context.facts.note(unapplied: stored.unapplied)
      if verb == .patch, kind == .group, !form.namesAttributes {
        // Identity providers take it, Entra wants it, and the members of a large group are not read for nothing.
        return Response(
          status: .noContent,
          headers: [
            .eTag: ResourceWriter.entityTag(stored.version), .location: form.base.location(kind, stored.id.description),
          ])
      }
      let found = try await present(stored, isCreated, form, context)
      return try form.response(
        isCreated ? .created : .ok, with: found, from: reads, in: context.caller.workspace, headers: form.headers(of: found.resource))
    }
  }

  /// Runs `write` when it is its workspace's turn.
  private func inTurn(of caller: Caller, _ write: () async throws -> Reply.Outcome) async throws -> Reply.Outcome {
    try await inFlight.withPlace(of: caller) {
      let turn = try await turns.turn(of: caller.workspace)
      defer { withExtendedLifetime(turn) {} }
      return try await write()
    }
  }

  private func carryOut(
    _ verb: RequestedWrite.Verb, on id: ResourceID, _ request: Request, _ context: CallerContext
  ) async throws -> Reply.Outcome {
    // A resource to be made has no version yet.
    let expected = verb == .create ? nil : try EntityTagCondition(.ifMatch, of: request.head)
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let body = try await bodies.json(in: request, share: &share, facts: context.facts)
    let write = try await requested(verb, body, request, context.caller)
    context.facts.note(normalisations: write.normalisations)
    let outcome = try await commands.carryOut(
      write.operation, on: id, expecting: expected?.expectedVersions, for: context.caller, facts: context.facts)
    share.release()
    return outcome
  }

  /// Reads the body; a large one beside the event loops, which other requests need.
  private func requested(_ verb: RequestedWrite.Verb, _ body: JSON, _ request: Request, _ caller: Caller) async throws -> RequestedWrite {
    let userAgent = request.headers[.userAgent]
    let read: @Sendable () throws -> RequestedWrite = { [kind] in
      try RequestedWrite(
        verb, kind, body, profile: caller.settings.connectionProfile, userAgent: userAgent, schemas: caller.schemas)
    }
    // A body of unknown length may be a large one.
    let size = request.headers[.contentLength].flatMap { Int($0) } ?? .max
    return size > Self.largeBody ? try await BlockingWork.run(read) : try read()
  }

  /// What is read apart from the event loops, in bytes.
  private static let largeBody = 64 << 10

  /// The written resource with its rows, as it is now: a later write may be in it, and then its version is the later one's.
  private func present(
    _ stored: StoredResource, _ isCreated: Bool, _ form: ResponseFormat, _ context: CallerContext
  ) async throws -> FoundResource {
    guard form.wantsRows else { return FoundResource(resource: stored, rows: nil) }
    if kind == .user, isCreated, stored.version == 1 { return FoundResource(resource: stored, rows: []) }
    do {
      let found = try await reads.resource(kind, stored.id, withRows: true, in: context.caller.workspace)
      if let found, found.resource.version >= stored.version { return found }
    } catch let error as PostgresError where error.isTransient {
      // The write is done, and an error would deny it.
      context.logger.warning("answered without \(kind.rowAttribute): the database is away", metadata: ["error": "\(error)"])
    }
    return FoundResource(resource: stored, rows: nil)
  }

  /// What identity-store refused, in its words.
  private func refusal(_ status: Int, _ error: [UInt8], _ request: Request, _ context: CallerContext) -> Response {
    context.facts.note(refusal: error)
    var headers: HTTPFields = [:]
    if status == 503 || status == 429 { headers[.retryAfter] = "\(APIError.retrySeconds)" }
    return .json(
      HTTPResponse.Status(code: status), ByteBuffer(bytes: error), mediaType: MediaType.ofAnswer(accept: request.headers[.accept]),
      headers: headers)
  }
}
