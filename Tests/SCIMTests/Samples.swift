import SCIM
import TestSupport
import Testing

/// Builders of sample resources and requests.
enum Sample {
  static let schemas = ResourceSchemas()

  static func json(_ text: String) throws -> JSON { try JSON(parsing: text) }

  static func user(_ attributes: String = "") throws -> UserDocument {
    let more = attributes.isEmpty ? "" : ",\(attributes)"
    return try UserDocument(
      json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com"\#(more)}"#), schemas: schemas)
  }

  static func group(_ attributes: String = "") throws -> GroupDocument {
    let more = attributes.isEmpty ? "" : ",\(attributes)"
    return try GroupDocument(
      json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Data team"\#(more)}"#), schemas: schemas)
  }

  static func patch(_ operations: String) throws -> Patch { try Patch(patchMessage(operations)) }

  static func patchMessage(_ operations: String) throws -> JSON {
    try json(#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operations)]}"#)
  }

  static let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
}

/// The SCIM error that `body` throws; nil if it throws none.
func refusal(of body: () throws -> Void) -> SCIMError? {
  do {
    try body()
    return nil
  } catch let error as SCIMError {
    return error
  } catch {
    Issue.record("expected a SCIM error, but got \(error)")
    return nil
  }
}

extension SeededGenerator {
  init(case number: Int) { self.init(seed: UInt64(number) &* 0x9E37_79B9_7F4A_7C15) }

  mutating func one<Element>(of elements: [Element]) -> Element { elements[Int.random(in: elements.indices, using: &self)] }

  mutating func happens(oneIn count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

  mutating func some<Element>(of elements: [Element], atMost count: Int) -> [Element] {
    (0..<Int.random(in: 0...count, using: &self)).map { _ in one(of: elements) }
  }
}
