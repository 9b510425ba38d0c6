CREATE TABLE items (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
);

INSERT INTO items (name) VALUES
	('a namespace'), ('a control group'), ('a veth pair'), ('a bridge'), ('an overlay');

ALTER TABLE items OWNER TO app;

