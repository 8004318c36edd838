/// The form in which a resource is stored: JSON up to and inside `meta`, which is last, without the two closing braces, so that
/// what depends on the moment (`lastModified`, `version`, `location`, `members`, `groups`) is appended without parsing.
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
