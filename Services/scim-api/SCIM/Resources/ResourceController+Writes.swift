import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import Postgres
import SCIM
import SCIMStorage

/// The writes: POST, PUT, PATCH and DELETE (RFC 7644 §3.3, §3.5, §3.6).
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
    let format = try ResponseFormat(kind, of: request, in: context)
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
      if verb == .patch, kind == .group, !format.namesAttributes {
        // Entra ID requires 204 and other identity providers accept it. It avoids reading the members of a large group.
        return Response(
          status: .noContent,
          headers: [
            .eTag: ResourceWriter.entityTag(stored.version), .location: format.base.location(kind, stored.id.description),
          ])
      }
      let found = try await currentState(of: stored, isCreated, format, context)
      return try format.response(
        isCreated ? .created : .ok, with: found, from: reads, in: context.caller.workspace, headers: format.headers(of: found.resource))
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
    let write = try await parsedWrite(verb, body, request, context.caller)
    context.info.record(normalisations: write.normalisations)
    let outcome = try await commands.execute(
      write.operation, on: id, expecting: expected?.expectedVersions, validatedWith: context.caller.settingsVersion, for: context.caller,
      info: context.info)
    share.release()
    return outcome
  }

  /// Parses and validates a body. Large bodies are parsed off the event loops.
  private func parsedWrite(_ verb: RequestedWrite.Verb, _ body: JSON, _ request: Request, _ caller: Caller) async throws -> RequestedWrite {
    let userAgent = request.headers[.userAgent]
    let parse: @Sendable () throws -> RequestedWrite = { [kind] in
      try RequestedWrite(
        verb, kind, body, profile: caller.settings.connectionProfile, userAgent: userAgent, schemas: caller.schemas)
    }
    // A body of unknown length may be large.
    let size = request.headers[.contentLength].flatMap { Int($0) } ?? .max
    return size > Self.largeBody ? try await BlockingWork.run(parse) : try parse()
  }

  /// The size above which bodies are parsed off the event loops, in bytes.
  private static let largeBody = 64 << 10

  /// The written resource with its current rows. If the rows include a later write, so does the resource.
  private func currentState(
    of stored: StoredResource, _ isCreated: Bool, _ format: ResponseFormat, _ context: CallerContext
  ) async throws -> FoundResource {
    guard format.includesRows else { return FoundResource(resource: stored, rows: nil) }
    if kind == .user, isCreated, stored.version == 1 { return FoundResource(resource: stored, rows: []) }
    do {
      let found = try await reads.resource(kind, stored.id, withRows: true, in: context.caller.workspace)
      if let found, found.resource.version >= stored.version { return found }
    } catch let error as PostgresError where error.isTransient {
      // The write has succeeded, so an error would be wrong.
      context.logger.warning("responded without \(kind.rowAttribute): the database is unavailable", metadata: ["error": "\(error)"])
    }
    return FoundResource(resource: stored, rows: nil)
  }

  /// The response to a write that identity-store refused with `error`.
  private func errorResponse(_ status: Int, _ error: [UInt8], _ request: Request, _ context: CallerContext) -> Response {
    context.info.record(error: error)
    var headers: HTTPFields = [:]
    if status == 503 || status == 429 { headers[.retryAfter] = "\(APIError.retrySeconds)" }
    return .json(
      HTTPResponse.Status(code: status), ByteBuffer(bytes: error), mediaType: MediaType.ofAnswer(accept: request.headers[.accept]),
      headers: headers)
  }
}
