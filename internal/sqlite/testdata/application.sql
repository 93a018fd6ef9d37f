-- The tables as SQLAlchemy makes them for the web application in SQLite, before it had updated_at.
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version (version_num) VALUES ('8bdcc4a5e0e5');
CREATE TABLE transactions (
	id CHAR(32) NOT NULL,
	portfolio_id CHAR(32) NOT NULL,
	transaction_type VARCHAR(20) NOT NULL,
	timestamp DATETIME NOT NULL,
	cash_change_amount NUMERIC(15, 2) NOT NULL,
	cash_change_currency VARCHAR(3) NOT NULL,
	ticker VARCHAR(5),
	quantity NUMERIC(15, 4),
	price_per_share_amount NUMERIC(15, 2),
	price_per_share_currency VARCHAR(3),
	notes VARCHAR(500),
	created_at DATETIME NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX idx_transaction_portfolio_timestamp ON transactions (portfolio_id, timestamp);
CREATE TABLE ticker_watchlist (
	id INTEGER NOT NULL,
	ticker VARCHAR(10) NOT NULL,
	priority INTEGER NOT NULL,
	last_refresh_at DATETIME,
	next_refresh_at DATETIME,
	refresh_interval_seconds INTEGER NOT NULL,
	is_active BOOLEAN NOT NULL,
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
	updated_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (ticker)
);
CREATE INDEX idx_watchlist_next_refresh ON ticker_watchlist (next_refresh_at);
INSERT INTO ticker_watchlist (ticker, priority, refresh_interval_seconds, is_active) VALUES
	('AAPL', 100, 300, 1), ('GOOGL', 100, 300, 1), ('MSFT', 100, 300, 1), ('AMZN', 100, 300, 1),
	('TSLA', 90, 300, 1), ('NVDA', 90, 300, 1), ('META', 90, 300, 1);
CREATE TABLE price_history (
	id INTEGER NOT NULL,
	ticker VARCHAR(10) NOT NULL,
	price_amount NUMERIC(18, 2) NOT NULL,
	price_currency VARCHAR(3) NOT NULL,
	timestamp DATETIME NOT NULL,
	source VARCHAR(50) NOT NULL,
	interval VARCHAR(10) NOT NULL,
	open_amount NUMERIC(18, 2),
	open_currency VARCHAR(3),
	high_amount NUMERIC(18, 2),
	high_currency VARCHAR(3),
	low_amount NUMERIC(18, 2),
	low_currency VARCHAR(3),
	close_amount NUMERIC(18, 2),
	close_currency VARCHAR(3),
	volume BIGINT,
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uk_ticker_timestamp_source_interval UNIQUE (ticker, timestamp, source, interval),
	CONSTRAINT positive_price CHECK (price_amount > 0)
);
CREATE INDEX idx_price_history_ticker_timestamp ON price_history (ticker, timestamp);
CREATE TABLE job_executions (
	id CHAR(32) NOT NULL,
	job_name VARCHAR(100) NOT NULL,
	started_at DATETIME NOT NULL,
	finished_at DATETIME,
	status VARCHAR(30) NOT NULL,
	error_message VARCHAR(500),
	metadata JSON NOT NULL,
	PRIMARY KEY (id)
);
