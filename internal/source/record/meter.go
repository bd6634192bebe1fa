package record

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
)

// slack is what the decoders read ahead of the record they are in.
const slack = 64 << 10

// meter stands between a file and its decoder. It refuses a record that is too
// large before it is in memory, NUL characters, and text that unpacks without
// end; and it counts lines for errors.
type meter struct {
	r      io.Reader
	sum    *maphash.Hash // of all that was read, to know a page that comes twice; may be nil
	limit  int64         // bytes a record may have
	total  int64         // bytes the file may have
	mend   string        // what to do about a record that is too large; "" is that the file is damaged
	read   int64
	mark   int64 // where the current record begins
	lines  int   // line feeds read
	broken error // sticks
}

func (m *meter) Read(p []byte) (int, error) {
	if m.broken != nil {
		return 0, m.broken
	}
	room := m.limit + slack - (m.read - m.mark)
	if room <= 0 {
		m.broken = m.tooLarge()
		return 0, m.broken
	}
	n, err := m.r.Read(p[:min(int64(len(p)), room)])
	m.read += int64(n)
	if m.sum != nil {
		m.sum.Write(p[:n])
	}
	if i := bytes.IndexByte(p[:n], 0); i >= 0 {
		m.broken = fmt.Errorf("a NUL character near line %d: this is not text, or it was damaged on the way: fetch the file again", m.lines+bytes.Count(p[:i], []byte{'\n'})+1)
		return 0, m.broken
	}
	m.lines += bytes.Count(p[:n], []byte{'\n'})
	switch {
	case m.read > m.total:
		m.broken = fmt.Errorf("the file is longer than %s unpacked: split it", size(m.total))
		return 0, m.broken
	case err != nil && !errors.Is(err, io.EOF):
		m.broken = fmt.Errorf("reading failed: %w", err)
		return n, m.broken
	}
	return n, err
}

// tooLarge says that the record is, and what may help.
func (m *meter) tooLarge() error {
	return fmt.Errorf("the record is larger than %s: %s", size(m.limit), cmp.Or(m.mend, "no source writes such records, so the file is damaged or of another format"))
}

func size(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
