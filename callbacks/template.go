package callbacks

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pathTemplate is a file path with fields in Python's format syntax, as Keras's ModelCheckpoint takes it:
// {epoch:02d}-{val_loss:.4f}.h5. Doubled braces stand for themselves.
type pathTemplate struct {
	text  string
	parts []templatePart
}

// templatePart is literal text, or a field if name is set.
type templatePart struct {
	literal string
	name    string
	spec    formatSpec
}

// formatSpec is the part of Python's format specification that numbers in paths need: [[fill]align][sign][0][width][.precision][type].
type formatSpec struct {
	fill      rune
	align     byte // <, >, ^, = or 0 for the default
	sign      byte // +, - or space; 0 is -
	width     int
	precision int  // -1 for none
	verb      byte // d, e, E, f, F, g, G, % or 0 for none
}

var specSyntax = regexp.MustCompile(`^(?:(.)?([<>^=]))?([-+ ])?(0)?(\d{0,3})(?:\.(\d{1,2}))?([deEfFgG%])?$`)

// parseTemplate checks the syntax of a path. Integer fields (epoch, batch) and float fields (metrics) are told apart by
// the names in ints; every field must be one of ints or floats.
func parseTemplate(text string, ints, floats []string) (pathTemplate, error) {
	t := pathTemplate{text: text}
	fail := func(format string, args ...any) (pathTemplate, error) {
		return pathTemplate{}, fmt.Errorf("path template %q: "+format, append([]any{text}, args...)...)
	}
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			t.parts = append(t.parts, templatePart{literal: literal.String()})
			literal.Reset()
		}
	}
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			literal.WriteString(rest)
			break
		}
		literal.WriteString(rest[:i])
		rest = rest[i:]
		if len(rest) > 1 && rest[1] == rest[0] {
			literal.WriteByte(rest[0])
			rest = rest[2:]
			continue
		}
		if rest[0] == '}' {
			return fail("a } has no { before it; write }} for a brace")
		}
		field, after, closed := strings.Cut(rest[1:], "}")
		if !closed {
			return fail("a { is not closed; write {{ for a brace")
		}
		name, specText, _ := strings.Cut(field, ":")
		isInt := slices.Contains(ints, name)
		if !isInt && !slices.Contains(floats, name) {
			return fail("field %q is not known when it is saved; the fields are %s", name, strings.Join(slices.Concat(ints, floats), ", "))
		}
		spec, err := parseSpec(specText)
		if err != nil {
			return fail("field %q: %w", name, err)
		}
		if spec.verb == 'd' && !isInt {
			return fail("field %q is a metric and %q is for whole numbers; write .4f, say", name, specText)
		}
		if isInt && (spec.verb == 'd' || spec.verb == 0) && spec.precision >= 0 {
			return fail("field %q is a whole number and %q gives it decimals; write 02d, say", name, specText)
		}
		flush()
		t.parts = append(t.parts, templatePart{name: name, spec: spec})
		rest = after
	}
	flush()
	return t, nil
}

func parseSpec(text string) (formatSpec, error) {
	m := specSyntax.FindStringSubmatch(text)
	if m == nil {
		return formatSpec{}, fmt.Errorf("format %q is not one of Python's for a number, as 02d or .4f", text)
	}
	spec := formatSpec{fill: ' ', precision: -1}
	if m[1] != "" {
		spec.fill = []rune(m[1])[0]
	}
	if m[2] != "" {
		spec.align = m[2][0]
	} else if m[4] != "" {
		spec.fill, spec.align = '0', '='
	}
	if m[3] != "" {
		spec.sign = m[3][0]
	}
	spec.width, _ = strconv.Atoi("0" + m[5]) // at most three digits, by specSyntax
	if m[6] != "" {
		spec.precision, _ = strconv.Atoi(m[6])
	}
	if m[7] != "" {
		spec.verb = m[7][0]
	}
	return spec, nil
}

// expand fills the fields in. epoch and batch are 1-based; every other field is in logs.
func (t pathTemplate) expand(epoch, batch int, logs Logs) string {
	var out strings.Builder
	for _, part := range t.parts {
		switch part.name {
		case "":
			out.WriteString(part.literal)
		case "epoch":
			out.WriteString(part.spec.formatInt(epoch))
		case "batch":
			out.WriteString(part.spec.formatInt(batch))
		default:
			out.WriteString(part.spec.formatFloat(logs[part.name]))
		}
	}
	return out.String()
}

// fixedDirectory is the part of the path's directory that no field changes.
func (t pathTemplate) fixedDirectory() string {
	prefix := ""
	for _, part := range t.parts {
		if part.name != "" {
			break
		}
		prefix += part.literal
	}
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		return prefix[:i+1]
	}
	return ""
}

func (s formatSpec) formatInt(n int) string {
	if s.verb == 0 || s.verb == 'd' {
		return s.pad(strconv.Itoa(n))
	}
	return s.formatFloat(float64(n))
}

func (s formatSpec) formatFloat(x float64) string {
	var text string
	switch {
	case math.IsNaN(x):
		text = "nan"
	case math.IsInf(x, 1):
		text = "inf"
	case math.IsInf(x, -1):
		text = "-inf"
	case s.verb == 0 && s.precision < 0:
		text = pythonRepr(x)
	case s.verb == 0:
		text = pythonGeneral(x, max(1, s.precision))
	case s.verb == '%':
		text = strconv.FormatFloat(100*x, 'f', s.digits(), 64) + "%"
	case s.verb == 'F':
		text = strconv.FormatFloat(x, 'f', s.digits(), 64)
	case s.verb == 'g' || s.verb == 'G':
		text = trimMantissa(strconv.FormatFloat(x, s.verb, max(1, s.digits()), 64))
	default:
		text = strconv.FormatFloat(x, s.verb, s.digits(), 64)
	}
	if s.verb == '%' && !finite(x) {
		text += "%"
	}
	if s.verb == 'E' || s.verb == 'F' || s.verb == 'G' {
		text = strings.ToUpper(text)
	}
	return s.pad(text)
}

// digits is the precision, 6 where none is given.
func (s formatSpec) digits() int {
	if s.precision < 0 {
		return 6
	}
	return s.precision
}

// pythonRepr is Python's shortest text of a float: exponents below 1e-4 and from 1e16 on, and always a point.
func pythonRepr(x float64) string {
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	return withPoint(strconv.FormatFloat(x, 'f', -1, 64))
}

// pythonGeneral is Python's text of a float with a precision and no type: as g, but with a digit behind the point, so that
// the exponent comes one digit earlier.
func pythonGeneral(x float64, digits int) string {
	text := strconv.FormatFloat(x, 'e', digits-1, 64)
	exponent, _ := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:]) // FormatFloat wrote it
	if exponent < -4 || exponent >= digits-1 {
		return trimMantissa(text)
	}
	return withPoint(strconv.FormatFloat(x, 'g', digits, 64))
}

func withPoint(text string) string {
	if strings.ContainsAny(text, ".e") {
		return text
	}
	return text + ".0"
}

// trimMantissa drops the zeros after the point that Python's g never writes.
func trimMantissa(text string) string {
	mantissa, exponent := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], text[i:]
	}
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + exponent
}

func (s formatSpec) pad(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	} else if s.sign == '+' || s.sign == ' ' {
		sign = string(rune(s.sign))
	}
	missing := s.width - len(sign) - len(text)
	if missing <= 0 {
		return sign + text
	}
	fill := func(n int) string { return strings.Repeat(string(s.fill), n) }
	switch s.align {
	case '=':
		return sign + fill(missing) + text
	case '<':
		return sign + text + fill(missing)
	case '^':
		return fill(missing/2) + sign + text + fill(missing-missing/2)
	default: // numbers stand on the right
		return fill(missing) + sign + text
	}
}
