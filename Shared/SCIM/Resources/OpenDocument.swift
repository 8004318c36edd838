/// The storage format of a resource: JSON text that ends within `meta`, its last member, without the last two closing braces.
///
/// Values that are not part of the document (`lastModified`, `version`, `location`, `members`, `groups`) can be appended without parsing.
enum OpenDocument {
  static func bytes(_ attributes: JSONObject, resourceType: String, id: String, created: String) -> [UInt8] {
    var object = JSONObject()
    for member in attributes {
      object.appendNew(member.key, member.value)
      if member.key == "schemas" { object.appendNew("id", .string(id)) }
    }
    object["meta"] = ["resourceType": .string(resourceType), "created": .string(created)]
    return Array(object.serialized().dropLast(2))
  }

  static func parse(_ bytes: [UInt8]) throws(SCIMError) -> JSON {
    do throws(JSONSyntaxError) {
      return try JSON(parsing: bytes + [UInt8(ascii: "}"), UInt8(ascii: "}")])
    } catch {
      throw SCIMError(status: 500, scimType: nil, detail: "The stored resource can't be read: \(error).")
    }
  }
}
