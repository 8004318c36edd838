/// One departure from the RFCs, and how it is made up for before the protocol's engine sees the request.
///
/// Each looks at what it is for and leaves the rest; nil says that there was nothing to do.
public struct Normalisation: Sendable {
  /// What logs and metrics call it.
  public let name: String
  let envelope: @Sendable (_ message: JSONObject, _ schema: ResourceSchema) -> JSONObject?
  /// nil where it leaves values alone, so that nobody walks through them for it.
  let value: (@Sendable (_ value: JSON, _ place: Place) -> JSON?)?
  let operation: @Sendable (_ operation: JSONObject, _ schema: ResourceSchema) -> [JSONObject]?
  let patchEnvelope: @Sendable (_ message: JSONObject) -> JSONObject?

  /// Where a value stands.
  struct Place {
    let definition: AttributeDefinition
    /// It is one of the attribute's values, rather than what the attribute as a whole is.
    let isElement: Bool
  }

  /// - Parameters:
  ///   - envelope: Rewrites a resource as a whole.
  ///   - value: Rewrites the value of one attribute, in a resource or in an operation of a PATCH.
  ///   - operation: Rewrites one operation of a PATCH, into several or none where it has to be.
  ///   - patchEnvelope: Rewrites what is around a PATCH's operations.
  init(
    _ name: String,
    envelope: @escaping @Sendable (_ message: JSONObject, _ schema: ResourceSchema) -> JSONObject? = { _, _ in nil },
    value: (@Sendable (_ value: JSON, _ place: Place) -> JSON?)? = nil,
    operation: @escaping @Sendable (_ operation: JSONObject, _ schema: ResourceSchema) -> [JSONObject]? = { _, _ in nil },
    patchEnvelope: @escaping @Sendable (_ message: JSONObject) -> JSONObject? = { _ in nil }
  ) {
    self.name = name
    self.envelope = envelope
    self.value = value
    self.operation = operation
    self.patchEnvelope = patchEnvelope
  }

  /// For departures that more than one provider is seen with.
  static let everySender: [Normalisation] = [
    .missingSchemas, .foreignSchemas, .upperCaseOperation, .readOnlyInPatchValue, .removalByValue, .singleObjectForArray, .textForBoolean,
  ]

  /// For what Microsoft Entra ID does beside that.
  static let entra: [Normalisation] = [
    .dottedExtension, .pathsAsKeys, .textForBooleanInFilter, .filteredReplaceCreates, .managerAsText, .roleAsJSONText,
    .textForComplexValue,
  ]
}
