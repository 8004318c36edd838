extension Normalisation {
  /// Adds the URI of the resource or the message to `schemas`.
  static let missingSchemas = Normalisation(
    "missing-schemas",
    envelope: { resource, schema in resource.addingSchema(schema.core.id) },
    patchEnvelope: { message in message.addingSchema(MessageSchema.patchOperation) })

  /// Removes unknown URIs from `schemas`, such as Entra ID's
  /// `http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group`.
  static let foreignSchemas = Normalisation(
    "foreign-schemas",
    envelope: { resource, schema in
      guard let uris = resource.value(forAttribute: "schemas")?.array else { return nil }
      let known = uris.filter { uri in
        guard let text = uri.string else { return true }
        return AttributeName.equal(text, schema.core.id) || schema.schemaExtension(text) != nil
      }
      guard known.count < uris.count else { return nil }
      var changed = resource
      changed.setValue(.array(known), forAttribute: "schemas")
      return changed
    })
}

extension JSONObject {
  /// Adds a URI to `schemas`; nil if it is present.
  fileprivate func addingSchema(_ uri: String) -> JSONObject? {
    let present = value(forAttribute: "schemas")?.array ?? []
    guard !present.contains(where: { $0.string.map { AttributeName.equal($0, uri) } ?? false }) else { return nil }
    var changed = self
    changed.setValue(.array([.string(uri)] + present), forAttribute: "schemas")
    return changed
  }
}
