import Foundation
import Models
import Testing

@Suite("Progress of a bulk request")
struct BulkProgressTests {
  private static let time = Date(timeIntervalSince1970: 1)
  private let ids = (0..<4).map { _ in ResourceID.made(at: time) }

  @Test("References to a reused record are replaced by its id, in paths and in data, and nowhere else")
  func references() {
    let other = ResourceID.made(at: Self.time)
    var progress = progress([
      operation(.createUser(document: []), ids[0]),
      operation(.createGroup(document: text("[\(ids[0])] [\(ids[1])]")), ids[1], references: [ids[0]]),
      operation(.patchUser(patch: text("\(ids[0])")), ids[0], references: [ids[0]]),
      operation(.patchUser(patch: text("\(ids[0])")), ids[2]),
    ])
    #expect(progress.next()?.count == 1)
    progress.take([resource(other)])
    #expect(progress.next()?.map(\.write) == [.createGroup(document: text("[\(other)] [\(ids[1])]"))])
    progress.take([resource(ids[1])])
    let patch = progress.next()?.first
    #expect(patch?.operation.resource == other)
    #expect(patch?.write == .patchUser(patch: text("\(other)")))
    progress.take([resource(other)])
    #expect(progress.next()?.first?.write == .patchUser(patch: text("\(ids[0])")))
    progress.take([.done])
    #expect(progress.next() == nil)
    #expect(progress.outcomes.count == 4)
  }

  @Test("An operation that refers to a failed one fails together with its cycle, and counts as an error")
  func failures() {
    var progress = progress(
      [
        operation(.createUser(document: []), ids[0]),
        operation(.createUser(document: []), ids[1], references: [ids[0], ids[2]], cycle: 1),
        operation(.createUser(document: []), ids[2], references: [ids[1]], cycle: 1),
        operation(.deleteUser, ids[3]), operation(.deleteUser, ids[3]),
      ], failOnErrors: 4)
    #expect(progress.next()?.count == 1)
    progress.take([.refused(status: 409, error: [])])
    #expect(progress.next()?.map(\.write) == [.deleteUser])
    #expect(progress.outcomes.count == 3)
    progress.take([.refused(status: 404, error: [])])
    #expect(progress.next() == nil)
    #expect(progress.outcomes.count == 4)
  }

  @Test("The operations of a reference cycle are executed together")
  func cycle() {
    var progress = progress([
      operation(.createUser(document: []), ids[0], references: [ids[1]], cycle: 0),
      operation(.createUser(document: []), ids[1], references: [ids[0]], cycle: 0),
      operation(.createUser(document: []), ids[2], references: [ids[2]], cycle: 1),
    ])
    #expect(progress.next()?.count == 2)
    progress.take([resource(ids[0]), resource(ids[1])])
    #expect(progress.next()?.count == 1)
  }

  @Test("Independent operations are carried out together, up to a reference to one of them, a cycle, or a refused operation")
  func batches() {
    var progress = progress([
      operation(.createUser(document: []), ids[0]),
      operation(.deleteUser, ids[3]), operation(.deleteUser, ids[3]),
      operation(.createGroup(document: []), ids[1], references: [ids[0]]),
      operation(.createUser(document: []), ids[2], references: [ids[2]], cycle: 0),
      operation(.deleteUser, ids[3]),
      Bulk.Operation(command: .made(at: Self.time), resource: ids[3], action: .refused(status: 400, error: [])),
      operation(.deleteUser, ids[0], references: [ids[0]]),
    ])
    #expect(progress.next(atMost: 2)?.count == 2)
    #expect(progress.next(atMost: 9)?.count == 3)
    progress.take([resource(ids[0]), .done, .done])
    #expect(progress.next(atMost: 9)?.map(\.operation.resource) == [ids[1]])
    progress.take([resource(ids[1])])
    #expect(progress.next(atMost: 9)?.map(\.operation.resource) == [ids[2]])
    progress.take([resource(ids[2])])
    #expect(progress.next(atMost: 9)?.map(\.operation.resource) == [ids[3]])
    progress.take([.done])
    #expect(progress.next(atMost: 9)?.map(\.operation.resource) == [ids[0]])
    progress.take([.done])
    #expect(progress.next(atMost: 9) == nil)
    #expect(progress.outcomes.count == 8)
  }

  @Test("If only the first operations of a batch were carried out, the next batch begins behind them")
  func partialBatch() {
    var progress = progress(ids.map { operation(.createUser(document: []), $0) }, failOnErrors: 2)
    #expect(progress.next(atMost: 9)?.count == 4)
    #expect(progress.remainingErrors == 2)
    progress.take([.refused(status: 409, error: []), resource(ids[1])])
    #expect(progress.remainingErrors == 1)
    #expect(progress.next(atMost: 9)?.map(\.operation.resource) == [ids[2], ids[3]])
    progress.take([.refused(status: 409, error: [])])
    #expect(progress.next(atMost: 9) == nil)
    #expect(progress.outcomes.count == 3)
  }

  private func progress(_ operations: [Bulk.Operation], failOnErrors: Int? = nil) -> BulkProgress {
    BulkProgress(Bulk(failOnErrors: failOnErrors, operations: operations)) { id, status in
      .refused(status: status, error: Array(id.description.utf8))
    }
  }

  private func operation(
    _ write: Command.Operation, _ resource: ResourceID, references: [ResourceID] = [], cycle: Int? = nil
  ) -> Bulk.Operation {
    Bulk.Operation(command: .made(at: Self.time), resource: resource, references: references, cycle: cycle, action: .write(write))
  }

  private func resource(_ id: ResourceID) -> Reply.Outcome {
    .resource(StoredResource(id: id, version: 1, modifiedAt: Self.time, document: []), created: true)
  }

  private func text(_ text: String) -> [UInt8] { Array(text.utf8) }
}
