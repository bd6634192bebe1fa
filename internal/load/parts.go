package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// part is one line of the table.
type part struct {
	name string
	run  func(context.Context, *options) (row, error)
}

// steady sends, and nothing else happens.
func steady(ctx context.Context, o *options) (row, error) {
	s, err := o.open(ctx, "steady", 0)
	if err != nil {
		return row{}, err
	}
	one, err := s.cxm.serve(ctx)
	if err != nil {
		return row{}, err
	}
	if err := s.begin(ctx, one.url); err != nil {
		return row{}, err
	}
	if err := s.crowd.more(ctx, 3*s.third); err != nil {
		return row{}, err
	}
	r, err := s.end(ctx, one)
	r.unfailing()
	return r, err
}

// killed kills cxm in the middle of it, and starts it again. Some answers are lost on
// the way, so that what is stored is sent again too.
func killed(ctx context.Context, o *options) (row, error) {
	s, err := o.open(ctx, "kill -9", 0)
	if err != nil {
		return row{}, err
	}
	s.deaf = 20
	one, err := s.cxm.serve(ctx)
	if err != nil {
		return row{}, err
	}
	if err := s.begin(ctx, one.url); err != nil {
		return row{}, err
	}
	chance := rand.New(rand.NewPCG(s.seed, 1))
	for range s.kills {
		if err := s.crowd.more(ctx, s.third/2+chance.IntN(s.third/2+1)); err != nil {
			return row{}, err
		}
		if err := one.kill(); err != nil {
			return row{}, err
		}
		s.ended(one)
		if one, err = s.cxm.serve(ctx); err != nil {
			return row{}, err
		}
		s.crowd.to.set(one.url)
	}
	if err := s.crowd.more(ctx, s.third); err != nil {
		return row{}, err
	}
	r, err := s.end(ctx, one)
	r.note = fmt.Sprintf("killed %d times", s.kills)
	return r, err
}

// restored makes a backup while events come, restores it elsewhere, and goes on
// there.
func restored(ctx context.Context, o *options) (row, error) {
	s, err := o.open(ctx, "backup", 0)
	if err != nil {
		return row{}, err
	}
	one, err := s.cxm.serve(ctx)
	if err != nil {
		return row{}, err
	}
	p := newPromise()
	took, file, err := s.backup(ctx, one, p)
	if err != nil {
		return row{}, err
	}
	if err := s.restore(ctx, file); err != nil {
		return row{}, err
	}
	if one, err = s.cxm.serve(ctx); err != nil {
		return row{}, err
	}
	after := s.clientsOf(s.name+"-restored", at(one.url))
	after.start(ctx)
	if err := after.more(ctx, s.third); err != nil {
		return row{}, err
	}
	return s.endRestored(ctx, one, p, after, took)
}

// endRestored judges what the restored cxm knows: p, and what was sent to it.
func (s *stage) endRestored(ctx context.Context, one *server, p *promise, after *crowd, took time.Duration) (row, error) {
	after.stop()
	a, err := s.cxm.open(ctx)
	if err != nil {
		return row{}, err
	}
	defer a.Close()
	if err := takenIn(ctx, a); err != nil {
		return row{}, err
	}
	if err := one.stop(); err != nil {
		return row{}, err
	}
	s.ended(one)
	after.into(p)
	s.crowd.failed += after.failed
	s.crowd.repeated += after.repeated
	s.crowd.first = errors.Join(s.crowd.first, after.first)
	r, err := s.judge(ctx, a, p)
	r.note = fmt.Sprintf("the backup took %s", took.Round(time.Millisecond))
	r.unfailing()
	return r, err
}

// backup makes a backup in the middle of it, and then kills the server. p gets what
// was accepted before the backup began, and what was sent at all.
func (s *stage) backup(ctx context.Context, one *server, p *promise) (took time.Duration, file string, err error) {
	if err := s.begin(ctx, one.url); err != nil {
		return 0, "", err
	}
	if err := s.crowd.more(ctx, s.third); err != nil {
		return 0, "", err
	}
	s.idle.into(p)
	s.crowd.into(p)
	file, began := filepath.Join(s.scratch, "backup.db"), time.Now()
	if _, err := s.cxm.run(ctx, "database", "backup", file); err != nil {
		return 0, "", err
	}
	took = time.Since(began)
	if err := s.crowd.more(ctx, s.third/4+1); err != nil {
		return 0, "", err
	}
	s.crowd.stop()
	later := newPromise()
	s.crowd.into(later)
	for id := range later.sent { // it may be in the backup
		p.sent[id] = true
	}
	err = one.kill()
	s.ended(one)
	return took, file, err
}

// restore brings the backup into another directory and database, where the stage is
// from then on.
func (s *stage) restore(ctx context.Context, file string) error {
	url, err := s.database()
	if err != nil {
		return err
	}
	former := s.cxm
	if s.cxm, err = newPlace(s.program, former.dir+"-restored", url, 0); err != nil {
		return err
	}
	if _, err := s.cxm.run(ctx, "database", "restore", file); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(former.dir, "key.json"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.cxm.dir, "key.json"), key, 0o600)
}
