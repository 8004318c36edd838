#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The entry point that libFuzzer calls with each input. The environment variable `FUZZ_TARGET` selects the target.
/// `ops/fuzz` compiles all targets into one program, together with the sources of SCIM.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  Fuzz.target(UnsafeBufferPointer(start: start, count: count))
  return 0
}

/// Sample data and checks shared by the fuzz targets.
enum Fuzz {
  static let target: @Sendable (UnsafeBufferPointer<UInt8>) -> Void =
    switch getenv("FUZZ_TARGET").map({ String(cString: $0) }) {
    case "resource": { resource($0) }
    case "filter": { filter($0) }
    case "patch": { patch($0) }
    default: preconditionFailure("FUZZ_TARGET must be resource, filter or patch")
    }

  static let schemas = ResourceSchemas(
    roles: ["admin", "editor", "viewer"],
    userExtensions: [
      SchemaDefinition(
        id: "urn:example:scim:schemas:acme:2.0:User", name: "Acme", description: "",
        attributes: [
          AttributeDefinition("badge", .integer, description: "", mutability: .immutable),
          AttributeDefinition("score", .decimal, multiValued: true, description: ""),
          AttributeDefinition("since", .dateTime, description: ""),
          AttributeDefinition(
            "desk", .complex, multiValued: true, description: "",
            subAttributes: [
              AttributeDefinition("value", .string, description: "", required: true),
              AttributeDefinition("picture", .binary, description: ""), AttributeDefinition("primary", .boolean, description: ""),
            ]),
        ])
    ])

  static let user = document(
    #"""
    {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com","name":{"givenName":"Ana"},"active":true,
    "emails":[{"value":"ana@example.com","type":"work","primary":true},{"value":"ana@example.org","type":"home"}],
    "urn:example:scim:schemas:acme:2.0:User":{"badge":7,"score":[1,2.5],"desk":[{"value":"a"}]},
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"8"}}}
    """#
  ) { json throws(SCIMError) in try UserDocument(json, schemas: schemas) }

  /// A user of the largest allowed size.
  static let largeUser = document(
    #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana","emails":[\#(largeEmails)],"title":"\#(largeTitle)"}"#
  ) { json throws(SCIMError) in try UserDocument(json, schemas: schemas) }

  static let largeUserStored = largeUser.openDocument(id: "7", created: "2026-01-31T08:00:00.000Z")

  private static let largeEmails = (0..<1000).map { #"{"value":"u\#($0)","type":"work"}"# }.joined(separator: ",")
  private static let largeTitle = String(repeating: "a", count: 8192)

  static let group = document(
    #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Data","externalId":"x"}"#
  ) { json throws(SCIMError) in try GroupDocument(json, schemas: schemas) }

  static func parsed(_ bytes: [UInt8]) -> JSON? {
    do throws(JSONSyntaxError) {
      return try JSON(parsing: bytes)
    } catch {
      _ = "\(error)"
      return nil
    }
  }

  /// Runs `body`, which may throw only a `SCIMError` with a 4xx status.
  static func trying(_ body: () throws -> Void) {
    do {
      try body()
    } catch let error as SCIMError {
      precondition((400..<500).contains(error.status) && !error.detail.isEmpty, "a rejected input is a client error: \(error)")
      _ = error.body()
    } catch {
      preconditionFailure("an error other than SCIMError was thrown: \(error)")
    }
  }

  private static func document<Document>(_ text: String, _ read: (JSON) throws(SCIMError) -> Document) -> Document {
    do {
      return try read(JSON(parsing: text))
    } catch {
      preconditionFailure("the sample can't be read: \(error)")
    }
  }
}
