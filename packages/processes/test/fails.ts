// A process that does not start.
process.exit(3);
