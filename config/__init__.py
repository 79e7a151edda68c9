"""The Django project: settings, addresses, schedule, menu. The only room that may name every other one."""
