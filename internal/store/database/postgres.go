package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"cxm/internal/store/db"
)

// connections bounds how many each process has, unless the URL says otherwise
// (pool_max_conns): three replicas stay far under PostgreSQL's default of 100.
const connections = 16

// collisions is how often a change is tried again that collided with others.
const collisions = 10

// postgres is a pool of connections. Statements are prepared once per
// connection, by pgx.
type postgres struct {
	sql   *sql.DB
	pool  *pgxpool.Pool
	hooks hooks
	name  string
}

func openPostgres(ctx context.Context, o Options) (*DB, error) {
	config, err := poolConfig(o.URL)
	if err != nil {
		return nil, err
	}
	at := config.ConnConfig
	name := fmt.Sprintf("PostgreSQL %s:%d/%s", at.Host, at.Port, at.Database)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, wrap("opening the database "+name, err)
	}
	p := &postgres{sql: stdlib.OpenDBFromPool(pool), pool: pool, hooks: o.hooks(), name: name}
	if err := pool.Ping(ctx); err != nil {
		return nil, wrap("opening the database "+name, errors.Join(explain(err), p.close()))
	}
	return &DB{kind: p, name: name, sql: p.sql, pool: pool}, nil
}

// errURL holds nothing of what it is about: where a password is misread, any
// part of the text may be some of it.
var errURL = errors.New("the database URL cannot be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and in the password %40 for @, %3A for :, %2F for /, %23 for #, %3F for ?, %25 for %")

func poolConfig(text string) (*pgxpool.Config, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	authority, behind := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, behind = rest[:i], rest[i:]
	}
	if (scheme != "postgres" && scheme != "postgresql") || strings.Count(authority, "@") > 1 || strings.ContainsAny(behind, "@#") {
		return nil, errURL
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, errURL
	}
	if !strings.Contains(behind, "pool_max_conns=") {
		config.MaxConns = connections
	}
	if _, named := config.ConnConfig.RuntimeParams["application_name"]; !named {
		config.ConnConfig.RuntimeParams["application_name"] = "cxm"
	}
	config.AfterConnect = settle
	return config, nil
}

// settle prepares a new connection: an intent must survive a power cut before
// its request is sent (G1), whatever the server's default; and a replica that
// lost its network holds its rows for a minute and a half, not for two hours.
func settle(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `select
		case current_setting('synchronous_commit') when 'off' then set_config('synchronous_commit', 'on', false) end,
		set_config('tcp_keepalives_idle', '30', false),
		set_config('tcp_keepalives_interval', '15', false),
		set_config('tcp_keepalives_count', '4', false)`)
	return err
}

func (p *postgres) close() error {
	err := p.sql.Close()
	p.pool.Close()
	return err
}

// begin opens a transaction. Connections that died while nobody used them are
// given up, one after another.
func (p *postgres) begin(ctx context.Context, o *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	for left := p.pool.Config().MaxConns; ; left-- {
		conn, err := p.sql.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := conn.BeginTx(ctx, o)
		if err == nil {
			return conn, tx, nil
		}
		dead := closed(conn)
		_ = conn.Close() // it goes back to the pool, which knows what it is worth
		if !dead || left <= 0 || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}

func (p *postgres) read(ctx context.Context, f func(db.DBTX) error) error {
	conn, tx, err := p.begin(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return explain(err)
	}
	defer conn.Close()
	defer tx.Rollback() // nothing was written
	return explain(f(plain{tx}))
}

// write tries again what left nothing behind: a change that collided with
// another, or whose connection broke before it was told to commit.
func (p *postgres) write(ctx context.Context, c Change) error {
	for attempt := range collisions {
		err := p.once(ctx, c)
		if err == nil || ctx.Err() != nil || !again(err, attempt) {
			return explain(err)
		}
		pause(ctx, attempt)
	}
	return explain(p.once(ctx, c))
}

func (p *postgres) alone(ctx context.Context, c Change) error { return explain(p.once(ctx, c)) }

// once makes a change. The end of ctx rolls it back until it is told to commit.
func (p *postgres) once(ctx context.Context, c Change) error {
	conn, tx, err := p.begin(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer tx.Rollback() // after Commit it does nothing
	if err := p.hooks.run(ctx, plain{tx}, c, func(f func(Tx) error) error { return join(conn, f) }); err != nil {
		if closed(conn) && ctx.Err() == nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.hooks.before(c)
	if err := tx.Commit(); err != nil {
		return committing(err)
	}
	p.hooks.after(c)
	return nil
}

// closed says that a connection is of no use any more.
func closed(conn *sql.Conn) bool {
	dead := true
	_ = conn.Raw(func(driver any) error {
		pgxConn, ok := driver.(*stdlib.Conn)
		dead = !ok || pgxConn.Conn().IsClosed()
		return nil
	})
	return dead
}

// pause lets those go first that a change collided with, longer each time.
func pause(ctx context.Context, attempt int) {
	most := time.Millisecond << min(attempt, 7)
	timer := time.NewTimer(most/2 + rand.N(most))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
