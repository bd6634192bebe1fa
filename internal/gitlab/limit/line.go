package limit

// line holds the turns of those who wait at a bucket, and how many wait with each.
type line map[int]int

// before says that somebody waits whose turn is earlier.
func (l line) before(turn int) bool {
	for other := range l {
		if other < turn {
			return true
		}
	}
	return false
}

// join is called by whoever begins to wait to be let through.
func (b *Bucket) join(turn int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == nil {
		b.line = line{}
	}
	b.line[turn]++
}

// leave is called by whoever got through, or gave up: whose turn is next may go.
func (b *Bucket) leave(turn int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line[turn]--; b.line[turn] == 0 {
		delete(b.line, turn)
	}
	if len(b.line) > 0 {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}
