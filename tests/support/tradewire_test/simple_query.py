"""Texts of many statements through libpq's simple protocol, every result seen: psycopg2 shows only the last one."""

import ctypes
import ctypes.util
from collections import namedtuple

Result = namedtuple("Result", "tag rows")
Error = namedtuple("Error", "sqlstate message position")  # position: in characters from 1, or None

PGRES_EMPTY_QUERY, PGRES_COMMAND_OK, PGRES_TUPLES_OK = 0, 1, 2
DIAG_SQLSTATE, DIAG_MESSAGE, DIAG_POSITION = ord("C"), ord("M"), ord("P")


def load():
    library = ctypes.CDLL(ctypes.util.find_library("pq"))
    for name, result, arguments in (
            ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]), ("PQfinish", None, [ctypes.c_void_p]),
            ("PQstatus", ctypes.c_int, [ctypes.c_void_p]), ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
            ("PQsetNoticeProcessor", ctypes.c_void_p, [ctypes.c_void_p] * 3),
            ("PQsendQuery", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
            ("PQgetResult", ctypes.c_void_p, [ctypes.c_void_p]), ("PQclear", None, [ctypes.c_void_p]),
            ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]), ("PQcmdStatus", ctypes.c_char_p, [ctypes.c_void_p]),
            ("PQntuples", ctypes.c_int, [ctypes.c_void_p]), ("PQnfields", ctypes.c_int, [ctypes.c_void_p]),
            ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
            ("PQresultErrorField", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


PQ = load()
SILENCE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)(lambda *_: None)


class SimpleQuery:
    def __init__(self, url):
        self.connection = PQ.PQconnectdb(url.encode())
        assert PQ.PQstatus(self.connection) == 0, PQ.PQerrorMessage(self.connection)
        PQ.PQsetNoticeProcessor(self.connection, ctypes.cast(SILENCE, ctypes.c_void_p), None)

    def close(self):
        PQ.PQfinish(self.connection)

    def run(self, text):
        """The results of the statements that succeeded, and the Error that ended the text or None."""
        assert PQ.PQsendQuery(self.connection, text.encode()), PQ.PQerrorMessage(self.connection)
        results, error = [], None
        while (result := PQ.PQgetResult(self.connection)) is not None:
            status = PQ.PQresultStatus(result)
            if status in (PGRES_COMMAND_OK, PGRES_TUPLES_OK):
                rows = [[PQ.PQgetvalue(result, row, column) for column in range(PQ.PQnfields(result))]
                        for row in range(PQ.PQntuples(result))]
                results.append(Result(PQ.PQcmdStatus(result).decode(), rows))
            elif status != PGRES_EMPTY_QUERY:
                error = self._error(result)
            PQ.PQclear(result)
        return results, error

    @staticmethod
    def _error(result):
        def field(code):
            value = PQ.PQresultErrorField(result, code)
            return None if value is None else value.decode()

        position = field(DIAG_POSITION)
        return Error(field(DIAG_SQLSTATE), field(DIAG_MESSAGE), int(position) if position else None)
