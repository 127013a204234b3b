// JDBC: java -cp postgresql.jar Tables.java PORT USER TABLE
//
// Prints what the driver tells of a table, and its rows, in the form that test/t/clients.pl compares.

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;

public class Tables {
	public static void main(String[] args) throws Exception {
		String url = "jdbc:postgresql://127.0.0.1:" + args[0] + "/postgres?user=" + args[1];

		try (Connection connection = DriverManager.getConnection(url)) {
			describe(connection.getMetaData(), args[2]);
			read(connection, args[2]);
			prepare(connection, args[2]);
		}
	}

	private static void describe(DatabaseMetaData data, String table) throws Exception {
		try (ResultSet tables = data.getTables(null, "public", table, new String[] {"TABLE", "VIEW", "FOREIGN TABLE"})) {
			while (tables.next())
				print("table", tables.getString("TABLE_NAME"), tables.getString("TABLE_TYPE"), tables.getString("REMARKS"));
		}
		try (ResultSet columns = data.getColumns(null, "public", table, "%")) {
			while (columns.next())
				print("column", columns.getString("COLUMN_NAME"), columns.getString("TYPE_NAME"), columns.getString("REMARKS"));
		}
	}

	// in portions of two rows, each through a portal that stays open
	private static void read(Connection connection, String table) throws Exception {
		connection.setAutoCommit(false);
		try (Statement statement = connection.createStatement()) {
			statement.setFetchSize(2);
			try (ResultSet rows = statement.executeQuery("SELECT * FROM " + table + " ORDER BY line")) {
				int width = rows.getMetaData().getColumnCount();
				boolean first = true;

				while (rows.next()) {
					List<String> types = new ArrayList<>(List.of("types"));
					List<String> values = new ArrayList<>(List.of("row"));

					for (int column = 1; column <= width; column++) {
						Object value = rows.getObject(column);

						types.add(value == null ? "null" : value.getClass().getSimpleName());
						values.add(text(value));
					}
					if (first)
						print(types.toArray(new String[0]));
					print(values.toArray(new String[0]));
					first = false;
				}
			}
		}
		connection.setAutoCommit(true);
	}

	// often enough that the driver prepares it at the server, and the server plans it without the values
	private static void prepare(Connection connection, String table) throws Exception {
		String sql = "SELECT sum(packets) FROM " + table + " WHERE dstport = ? AND start >= ? AND sampled = ?";

		try (PreparedStatement statement = connection.prepareStatement(sql)) {
			for (int n = 0; n < 12; n++) {
				statement.setInt(1, n % 2 == 0 ? 443 : 22);
				statement.setTimestamp(2, new Timestamp(1769775904000L));
				statement.setBoolean(3, n % 2 == 0);
				try (ResultSet rows = statement.executeQuery()) {
					rows.next();
					if (n >= 10)
						print("prepared", text(rows.getObject(1)));
				}
			}
		}
	}

	private static String text(Object value) {
		if (value instanceof Timestamp)
			return ((Timestamp) value).toInstant().toString();
		return String.valueOf(value);
	}

	private static void print(String... parts) {
		System.out.println(String.join("|", parts));
	}
}
