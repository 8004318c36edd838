extension Filter {
  /// Whether one value of the multi-valued attribute `definition` is selected by the value filter of a PATCH path; the filter's paths are
  /// sub-attributes. What does not fit a sub-attribute's type selects nothing. For many values, see ``ValueSelector``.
  func selects(_ value: JSON, of definition: AttributeDefinition) -> Bool {
    ValueSelector(self, of: definition).selects(value)
  }
}
