extension SchemaDefinition {
  /// The URI of the User schema.
  public static let userID = "urn:ietf:params:scim:schemas:core:2.0:User"

  /// The User schema (RFC 7643 §4.1, §8.7.1).
  public static let user = SchemaDefinition(
    id: userID, name: "User", description: "User Account",
    attributes: [
      AttributeDefinition(
        "userName", .string, description: "What the person signs in with; unique in the workspace, compared without case.",
        required: true, uniqueness: .server),
      AttributeDefinition(
        "name", .complex, description: "The components of the person's name.",
        subAttributes: [
          AttributeDefinition("formatted", .string, description: "The whole name, ready for display."),
          AttributeDefinition("familyName", .string, description: "The family name, or last name in most Western languages."),
          AttributeDefinition("givenName", .string, description: "The given name, or first name in most Western languages."),
          AttributeDefinition("middleName", .string, description: "The middle name or names."),
          AttributeDefinition("honorificPrefix", .string, description: "Titles before the name, such as 'Ms.'."),
          AttributeDefinition("honorificSuffix", .string, description: "What follows the name, such as 'III'."),
        ]),
      AttributeDefinition("displayName", .string, description: "The name that is shown to people."),
      AttributeDefinition("nickName", .string, description: "The casual way to address the person."),
      AttributeDefinition(
        "profileUrl", .reference, description: "A page that represents the person online.", caseExact: true,
        referenceTypes: ["external"]),
      AttributeDefinition("title", .string, description: "The person's title, such as 'Vice President'."),
      AttributeDefinition("userType", .string, description: "The relationship between organisation and person, such as 'Contractor'."),
      AttributeDefinition("preferredLanguage", .string, description: "The person's preferred language, such as 'en-US'."),
      AttributeDefinition("locale", .string, description: "Where the person is, for formats of dates and numbers, such as 'en-US'."),
      AttributeDefinition("timezone", .string, description: "The person's time zone as in the IANA database, such as 'Europe/Berlin'."),
      AttributeDefinition("active", .boolean, description: "Whether the person may use the service; false disables."),
      AttributeDefinition(
        "password", .string, description: "Accepted and never stored: people sign in through the identity provider.", caseExact: true,
        mutability: .writeOnly, returned: .never),
      plural("emails", of: "email address", types: ["work", "home", "other"]),
      plural("phoneNumbers", of: "phone number", types: ["work", "home", "mobile", "fax", "pager", "other"]),
      plural("ims", of: "instant messaging address", types: ["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
      plural(
        "photos", of: "photo", types: ["photo", "thumbnail"],
        value: AttributeDefinition("value", .reference, description: "The URI of a photo.", caseExact: true, referenceTypes: ["external"])),
      AttributeDefinition(
        "addresses", .complex, multiValued: true, description: "Postal addresses.",
        subAttributes: [
          AttributeDefinition("formatted", .string, description: "The whole address, ready for display."),
          AttributeDefinition("streetAddress", .string, description: "Street, house number, post office box."),
          AttributeDefinition("locality", .string, description: "The city or locality."),
          AttributeDefinition("region", .string, description: "The state or region."),
          AttributeDefinition("postalCode", .string, description: "The postal code."),
          AttributeDefinition("country", .string, description: "The country, ISO 3166-1 alpha-2."),
          type(["work", "home", "other"]),
          primary,
        ]),
      AttributeDefinition(
        "groups", .complex, multiValued: true, description: "The groups that the person is in; written through the groups.",
        mutability: .readOnly,
        subAttributes: [
          AttributeDefinition("value", .string, description: "The id of the group.", caseExact: true, mutability: .readOnly),
          AttributeDefinition(
            "$ref", .reference, description: "The URI of the group.", caseExact: true, mutability: .readOnly, referenceTypes: ["Group"]),
          AttributeDefinition("display", .string, description: "The name of the group.", mutability: .readOnly),
          AttributeDefinition(
            "type", .string, description: "How the person is in the group.", mutability: .readOnly, canonicalValues: ["direct"]),
        ]),
      plural("entitlements", of: "entitlement", types: []),
      plural("roles", of: "role", types: []),
      plural(
        "x509Certificates", of: "certificate", types: [],
        value: AttributeDefinition("value", .binary, description: "A certificate in DER, base64.", caseExact: true)),
    ])

  private static let primary = AttributeDefinition("primary", .boolean, description: "Whether this is the preferred value; one at most is.")

  private static func type(_ canonicalValues: [String]) -> AttributeDefinition {
    AttributeDefinition("type", .string, description: "What the value is for.", canonicalValues: canonicalValues)
  }

  /// A multi-valued attribute with the default sub-attributes (RFC 7643 §2.4).
  private static func plural(
    _ name: String, of what: String, types: [String], value: AttributeDefinition? = nil
  ) -> AttributeDefinition {
    AttributeDefinition(
      name, .complex, multiValued: true, description: "Every \(what) of the person.",
      subAttributes: [
        value ?? AttributeDefinition("value", .string, description: "The \(what)."),
        AttributeDefinition("display", .string, description: "A form of the value for people to read."),
        type(types),
        primary,
      ])
  }
}

extension AttributeDefinition {
  /// The attribute that contains the product role.
  static func role(named name: String, among roles: [String]) -> AttributeDefinition {
    AttributeDefinition(
      name, .string, description: "The person's role in the product: a built-in role or one of the workspace's own, compared without case.",
      canonicalValues: roles)
  }
}

extension SchemaDefinition {
  /// The URI of the enterprise extension of User.
  public static let enterpriseUserID = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

  /// The Enterprise User extension (RFC 7643 §4.3).
  public static let enterpriseUser = SchemaDefinition(
    id: enterpriseUserID, name: "EnterpriseUser", description: "Enterprise User",
    attributes: [
      AttributeDefinition("employeeNumber", .string, description: "The number that the organisation gave the person."),
      AttributeDefinition("costCenter", .string, description: "The name of a cost center."),
      AttributeDefinition("organization", .string, description: "The name of an organisation."),
      AttributeDefinition("division", .string, description: "The name of a division."),
      AttributeDefinition("department", .string, description: "The name of a department."),
      AttributeDefinition(
        "manager", .complex, description: "The person's manager.",
        subAttributes: [
          AttributeDefinition("value", .string, description: "The id of the manager's User resource.", caseExact: true),
          AttributeDefinition(
            "$ref", .reference, description: "The URI of the manager's User resource.", caseExact: true, referenceTypes: ["User"]),
          AttributeDefinition("displayName", .string, description: "The manager's name.", mutability: .readOnly),
        ]),
    ])
}
