/// One departure from the RFCs, and how it is made up for before the protocol's engine sees the request.
///
/// Each looks at what it is for and leaves the rest; nil says that there was nothing to do.
public struct Normalisation: Sendable {
  /// What logs and metrics call it.
  public let name: String
  let envelope: (@Sendable (_ message: JSONObject, _ schema: ResourceSchema) -> JSONObject?)?
  let value: (@Sendable (_ value: JSON, _ context: ValueContext) -> JSON?)?
  let operation: (@Sendable (_ operation: RawPatchOperation, _ schema: ResourceSchema) -> [RawPatchOperation]?)?
  let patchEnvelope: (@Sendable (_ message: JSONObject) -> JSONObject?)?

  /// Where a value stands.
  struct ValueContext {
    let definition: AttributeDefinition
    /// The complex attribute that it is a part of.
    let parent: AttributeDefinition?
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
    envelope: (@Sendable (_ message: JSONObject, _ schema: ResourceSchema) -> JSONObject?)? = nil,
    value: (@Sendable (_ value: JSON, _ context: ValueContext) -> JSON?)? = nil,
    operation: (@Sendable (_ operation: RawPatchOperation, _ schema: ResourceSchema) -> [RawPatchOperation]?)? = nil,
    patchEnvelope: (@Sendable (_ message: JSONObject) -> JSONObject?)? = nil
  ) {
    self.name = name
    self.envelope = envelope
    self.value = value
    self.operation = operation
    self.patchEnvelope = patchEnvelope
  }

  /// For departures that more than one provider is seen with, or that an admin's own mapping makes in any of them.
  static let everySender: [Normalisation] = [
    .missingSchemas, .foreignSchemas, .roleUnderOtherNamespace, .unqualifiedExtension, .upperCaseOperation, .readOnlyInPatchValue,
    .singleObjectForArray, .textForBoolean, .textForNumber, .numberForText, .managerAsText, .textForComplexValue,
  ]

  /// Of every sender as well, once the paths are as the schemas have them.
  static let last: [Normalisation] = [.removalByValue]

  /// For what Microsoft Entra ID does beside that.
  static let entra: [Normalisation] = [
    .dottedExtension, .pathsAsKeys, .textForBooleanInFilter, .filteredReplaceCreates, .roleAsJSONText,
  ]
}
