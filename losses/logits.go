package losses

// TakesLogits says whether a loss is of a network that gives logits, not probabilities.
func TakesLogits(l Loss) bool {
	switch l := l.(type) {
	case SparseCategoricalCrossentropy:
		return l.FromLogits
	case CategoricalCrossentropy:
		return l.FromLogits
	case BinaryCrossentropy:
		return l.FromLogits
	case CategoricalFocalCrossentropy:
		return l.FromLogits
	case BinaryFocalCrossentropy:
		return l.FromLogits
	}
	return false
}
