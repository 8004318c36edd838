import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import Postgres
import SCIM
import SCIMStorage

/// POST, PUT, PATCH and DELETE (RFC 7644 §3.3, §3.5, §3.6).
extension ResourceController {
  @Sendable func create(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await write(.create, to: .made(at: Date()), request, context)
  }

  @Sendable func replace(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await write(.replace, to: try kind.id(in: context), request, context)
  }

  @Sendable func patch(_ request: Request, _ context: CallerContext) async throws -> Response {
    try await write(.patch, to: try kind.id(in: context), request, context)
  }

  @Sendable func delete(_ request: Request, _ context: CallerContext) async throws -> Response {
    let id = try kind.id(in: context)
    let expected = try EntityTagCondition(.ifMatch, of: request.head)
    let outcome = try await limited(for: context.caller) {
      try await commands.execute(
        kind == .user ? .deleteUser : .deleteGroup, on: id, expecting: expected?.expectedVersions, for: context.caller,
        info: context.info)
    }
    if case .refused(let status, let error) = outcome { return errorResponse(status, error, request, context) }
    return Response(status: .noContent)
  }

  private func write(
    _ verb: RequestedWrite.Verb, to id: ResourceID, _ request: Request, _ context: CallerContext
  ) async throws -> Response {
    // An invalid query must fail before anything is written.
    let form = try ResponseFormat(kind, of: request, in: context)
    let outcome = try await limited(for: context.caller) {
      try await execute(verb, on: id, request, context)
    }
    switch outcome {
    case .refused(let status, let error): return errorResponse(status, error, request, context)
    case .done, .signIn, .bulk: return Response(status: .noContent)
    case .resource(let stored, let isCreated):
      context.info.record(resource: stored.id)
      context.info.record(relink: stored.relink)
      context.info.record(unapplied: stored.unapplied)
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

  /// Runs `write` within the limits on writes in flight.
  private func limited(for caller: Caller, _ write: () async throws -> Reply.Outcome) async throws -> Reply.Outcome {
    try await inFlight.withPlace(of: caller) {
      let permit = try await limiter.permit(for: caller.workspace)
      defer { withExtendedLifetime(permit) {} }
      return try await write()
    }
  }

  private func execute(
    _ verb: RequestedWrite.Verb, on id: ResourceID, _ request: Request, _ context: CallerContext
  ) async throws -> Reply.Outcome {
    // A new resource has no version yet.
    let expected = verb == .create ? nil : try EntityTagCondition(.ifMatch, of: request.head)
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let body = try await bodies.json(in: request, share: &share, info: context.info)
    let write = try await requested(verb, body, request, context.caller)
    context.info.record(normalisations: write.normalisations)
    let outcome = try await commands.execute(
      write.operation, on: id, expecting: expected?.expectedVersions, for: context.caller, info: context.info)
    share.release()
    return outcome
  }

  /// The write that the body asks for. A large body is read off the event loops.
  private func requested(_ verb: RequestedWrite.Verb, _ body: JSON, _ request: Request, _ caller: Caller) async throws -> RequestedWrite {
    let userAgent = request.headers[.userAgent]
    let read: @Sendable () throws -> RequestedWrite = { [kind] in
      try RequestedWrite(
        verb, kind, body, profile: caller.settings.connectionProfile, userAgent: userAgent, schemas: caller.schemas)
    }
    // A body of unknown length may be large.
    let size = request.headers[.contentLength].flatMap { Int($0) } ?? .max
    return size > Self.largeBody ? try await BlockingWork.run(read) : try read()
  }

  /// Larger bodies are read off the event loops. In bytes.
  private static let largeBody = 64 << 10

  /// The written resource with its rows as they are now. If a later write is included, so is its version.
  private func present(
    _ stored: StoredResource, _ isCreated: Bool, _ form: ResponseFormat, _ context: CallerContext
  ) async throws -> FoundResource {
    guard form.wantsRows else { return FoundResource(resource: stored, rows: nil) }
    if kind == .user, isCreated, stored.version == 1 { return FoundResource(resource: stored, rows: []) }
    do {
      let found = try await reads.resource(kind, stored.id, withRows: true, in: context.caller.workspace)
      if let found, found.resource.version >= stored.version { return found }
    } catch let error as PostgresError where error.isTransient {
      // The write is done: an error would deny it.
      context.logger.warning("answered without \(kind.rowAttribute): the database is unavailable", metadata: ["error": "\(error)"])
    }
    return FoundResource(resource: stored, rows: nil)
  }

  /// The response for a write that identity-store refused with `error`.
  private func errorResponse(_ status: Int, _ error: [UInt8], _ request: Request, _ context: CallerContext) -> Response {
    context.info.record(error: error)
    var headers: HTTPFields = [:]
    if status == 503 || status == 429 { headers[.retryAfter] = "\(APIError.retrySeconds)" }
    return .json(
      HTTPResponse.Status(code: status), ByteBuffer(bytes: error), mediaType: MediaType.ofAnswer(accept: request.headers[.accept]),
      headers: headers)
  }
}
