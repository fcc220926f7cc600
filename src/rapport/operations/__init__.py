"""What each method does: functions over contract structs and a transaction. No HTTP, no SQL, no
driver.
"""
