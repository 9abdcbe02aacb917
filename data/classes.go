package data

// Named is a data set whose classes have names.
//
// A data set that wraps another one implements this whether or not the classes of that one have names.
type Named interface {
	Dataset
	// ClassNames are the names of the classes, in the order of the labels, or nil.
	ClassNames() []string
}

// ClassNames are the names of a data set's classes in the order of their labels, or nil if they have none.
func ClassNames(ds Dataset) []string {
	if n, ok := ds.(Named); ok {
		return n.ClassNames()
	}
	return nil
}

// ClassNames are those of the whole data set.
func (s *section) ClassNames() []string { return ClassNames(s.Dataset) }

// ClassNames are those of the whole data set.
func (s *selection) ClassNames() []string { return ClassNames(s.Dataset) }
