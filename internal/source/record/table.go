package record

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Rows walks a CSV file whose first line names the columns, in any order and
// among others.
type Rows struct {
	File    *File
	columns map[string]int // name in lower case → index
	csv     *csv.Reader
	row     []string
	line    int
}

// Columns reads the header. All the required columns that are missing are
// named in the error.
func Columns(f *File, required ...string) (*Rows, error) {
	t := &Rows{File: f, csv: csv.NewReader(f.meter), columns: make(map[string]int), line: 1}
	t.csv.ReuseRecord = true
	header, err := t.csv.Read()
	if err != nil {
		return nil, t.fail(err)
	}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := t.columns[name]; twice {
			return nil, t.Fail(name, errors.New("this column occurs twice: keep one of them"))
		}
		t.columns[name] = i
	}
	return t, t.missing(header, required)
}

func (t *Rows) missing(header, required []string) error {
	var missing []string
	for _, name := range required {
		if _, ok := t.columns[name]; !ok {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case len(header) == 1 && strings.Contains(header[0], ";"):
		return t.Fail("", errors.New("the columns are separated by semicolons: export it with commas"))
	case len(missing) == len(required):
		return t.Fail("", fmt.Errorf("neither JSON nor a CSV with the columns wanted (%s): is it the right file?", strings.Join(missing, ", ")))
	}
	return t.Fail("", fmt.Errorf("the header lacks the columns %s: export all columns of the table", strings.Join(missing, ", ")))
}

// Next goes to the next row; at the end of the file it is io.EOF.
func (t *Rows) Next() error {
	t.File.meter.mark = t.csv.InputOffset()
	row, err := t.csv.Read()
	if errors.Is(err, io.EOF) && t.File.meter.broken == nil {
		return io.EOF
	}
	if err != nil {
		return t.fail(err)
	}
	t.row = row
	t.line, _ = t.csv.FieldPos(0)
	if t.csv.InputOffset()-t.File.meter.mark > t.File.meter.limit {
		return t.Fail("", t.File.meter.tooLarge())
	}
	for name, i := range t.columns {
		if !utf8.ValidString(row[i]) {
			return t.Fail(name, errors.New("is not UTF-8 text: save the file as UTF-8"))
		}
	}
	return nil
}

// Cell is what the row has in a column, without space around it; "" when
// there is nothing or no such column.
func (t *Rows) Cell(name string) string {
	i, ok := t.columns[name]
	if !ok {
		return ""
	}
	return strings.TrimSpace(t.row[i])
}

// Line is the line the row begins on.
func (t *Rows) Line() int { return t.line }

// Place names the row.
func (t *Rows) Place() string { return lineName(t.line) }

// Fail makes the error of a fault in a column of the row.
func (t *Rows) Fail(column string, err error) error {
	return t.File.Fail(lineName(t.line), t.line, column, err)
}

// fail is Fail for errors of the CSV decoder.
func (t *Rows) fail(err error) error {
	var parse *csv.ParseError
	switch {
	case !errors.As(err, &parse):
		return t.Fail("", err)
	case errors.Is(err, csv.ErrFieldCount):
		err = errors.New("the row has not as many columns as the header: the file was cut off or edited, copy it again")
	default:
		err = fmt.Errorf("not valid CSV: %w: fetch the file again and leave it as it was written", parse.Err)
	}
	t.line = parse.StartLine
	return t.Fail("", err)
}
